"""What the exports surface exports: a project's working video, and the source of a clip."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ExportProject:
    """A project of the product, by its own number; it may have no video yet."""

    tenant: str
    project_id: int
    working_asset_id: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ExportClip:
    """A clip of a project: a source video and the part of it, in seconds.

    `end_s` None is the end of the source.
    """

    tenant: str
    project_id: int
    clip_index: int
    source_asset_id: str
    start_s: float
    end_s: float | None
    created_at: datetime
    updated_at: datetime
