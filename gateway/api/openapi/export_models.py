"""What answers of the exports surface look like."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from gateway.api.openapi.models import JobWarning, absent
from gateway.api.products.exports.models import ExportType
from gateway.api.products.exports.projection import Word

_IGNORED = "Fields of the request that were ignored; only where there are any."


class ExportAccepted(BaseModel):
    """An export that was taken on."""

    job_id: str
    status: Word
    websocket_url: str = Field(description="Where to watch it, with a ticket. A secret.")
    warnings: list[JobWarning] | None = absent(_IGNORED)


class ExportJob(BaseModel):
    """A job in the words of this surface."""

    job_id: str
    project_id: int | None = Field(description="Null for a job that was made on `/v1`.")
    type: ExportType
    status: Word
    progress: int = Field(ge=0, le=100, description="Never goes down; 100 when complete.")
    stage: str | None = Field(
        description="What the job is doing, or last did; null before it begins."
    )
    input_video_key: str
    output_video_key: str | None = Field(description="Null until complete.")
    error: str | None = Field(description="A sentence that may be shown to people.")
    error_code: str | None = Field(
        description="A code of a failure, or `cancelled` or `expired`."
    )
    retryable: bool | None = Field(description="Is it worth asking again?")
    warnings: list[JobWarning]
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    output_url: str | None = Field(description="A presigned GET, signed for this answer.")
    websocket_url: str = Field(description="Where to watch it, with a ticket. A secret.")


class ExportCancelled(BaseModel):
    """Whether it was in time."""

    cancelled: bool = Field(description="False where the job had ended otherwise.")
    status: Word


class ExportUpload(BaseModel):
    """Where to put a video."""

    upload_url: str = Field(description="A presigned PUT, good for 15 minutes. A secret.")
    video_key: str = Field(description="What to ask for an export with.")
    method: Literal["PUT"]
    headers: dict[str, str] = Field(description="Send these exactly: they are signed.")
    expires_at: datetime
    max_bytes: int
    warnings: list[JobWarning] | None = absent(_IGNORED)


class ExportProject(BaseModel):
    """What a project's overlays are made of."""

    project_id: int
    working_video_key: str | None
    created_at: datetime
    updated_at: datetime
    warnings: list[JobWarning] | None = absent(_IGNORED)


class ExportClip(BaseModel):
    """What a clip's framings are made of."""

    project_id: int
    clip_index: int
    source_video_key: str
    start_time: float = Field(description="Seconds.")
    end_time: float | None = Field(description="Seconds; null is the end.")
    created_at: datetime
    updated_at: datetime
    warnings: list[JobWarning] | None = absent(_IGNORED)
