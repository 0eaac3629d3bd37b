"""`media.ingest`: what an uploaded image or video is, and a thumbnail of it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.artifacts import PictureRef
from shared.job_kind import JobKind, PriceRule, StoredFile, Wire
from shared.numbers import WHOLE
from shared.render_models import Rate

DEADLINE_S = 300
MIN_THUMBNAIL_PX, MAX_THUMBNAIL_PX = 16, 2048

# Each packet of a video is read once, and little else depends on the size: at 10 MiB a second
# an attempt has time for a slow disk, within what the deadline leaves it.
_LIMIT_FLOOR_S, _LIMIT_CAP_S = 60.0, 240.0
_LIMIT_BYTES_PER_S = 10 * 1024 * 1024
_LIKELY_START_S = 2.0
_LIKELY_BYTES_PER_S = 50e6


class IngestInput(Wire):
    """An image or a video, and how large its thumbnail may be."""

    source: PictureRef = Field(description="The image or the video.")
    max_size: Annotated[
        int, Field(strict=True, ge=MIN_THUMBNAIL_PX, le=MAX_THUMBNAIL_PX), WHOLE
    ] = Field(
        512,
        description="The thumbnail fits within a square of so many pixels; it keeps its "
        "aspect and is never larger than the picture.",
    )


class IngestResult(Wire):
    """What the file is. Sizes are as displayed: turned upright, in square pixels."""

    family: Literal["image", "video"]
    container: str = Field(description="`png`, `jpeg`, `webp`; `mov`, `matroska`, `avi`.")
    width_px: int = Field(ge=1)
    height_px: int = Field(ge=1)
    duration_s: float | None = Field(gt=0, description="Of a video; null for an image.")
    frames: int | None = Field(None, ge=1, description="Of a video, at its constant rate.")
    rate: Rate | None = Field(None, description="Frames a second of a video, as a fraction.")
    video_codec: str | None = Field(None, description="As `h264`; null for an image.")
    audio_codec: str | None = None
    has_audio: bool = False
    has_alpha: bool = Field(False, description="Whether parts may be transparent.")
    animated: bool = Field(False, description="An image of several pictures; the first counts.")
    thumbnail_width_px: int = Field(ge=1)
    thumbnail_height_px: int = Field(ge=1)


def limit_s(_order: Any, files: Mapping[str, StoredFile]) -> float:
    """The longest an attempt may run, in seconds: 60 and up, 240 at most."""
    by_size_s = files["source"].size_bytes / _LIMIT_BYTES_PER_S
    return min(_LIMIT_FLOOR_S + by_size_s, _LIMIT_CAP_S)


def likely_s(order: Any, files: Mapping[str, StoredFile]) -> float:
    """The estimate shown beforehand, in seconds; at most the limit."""
    fetch_s = files["source"].size_bytes / _LIKELY_BYTES_PER_S
    return min(_LIKELY_START_S + fetch_s, limit_s(order, files))


KIND = JobKind(
    name="media.ingest",
    version=1,
    description="Looks an image or a video through and makes a thumbnail of it.",
    input=IngestInput,
    output=IngestResult,
    outputs={"thumbnail": "image/png"},
    stages=("prepare", "thumbnail", "upload", "persist"),
    compute="cpu",
    price=PriceRule(
        limit_s,
        likely_s,
        "worker seconds: two, and one for each 50 MB of the stored file; the limit is 60 s "
        "and one second for each 10 MiB, at most 240 s",
    ),
    deadline_s=DEADLINE_S,
    limits={"max_size": [MIN_THUMBNAIL_PX, MAX_THUMBNAIL_PX], "image_pixels": 50_000_000},
)
