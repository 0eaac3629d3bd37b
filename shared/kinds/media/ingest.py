"""`media.ingest`: what an uploaded image or video is, and a thumbnail of it."""

from typing import Annotated, Literal

from pydantic import Field

from shared.artifacts import PictureRef
from shared.job_kind import JobKind, Wire
from shared.numbers import WHOLE
from shared.render_models import Rate
from shared.size_price import BySize

DEADLINE_S = 300
MIN_THUMBNAIL_PX, MAX_THUMBNAIL_PX = 16, 2048

# Each packet of a video is read once, and little else depends on the size.
_PRICE = BySize(likely_start_s=2, limit_floor_s=60, limit_cap_s=240, mib_per_s=10)


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


KIND = JobKind(
    name="media.ingest",
    version=1,
    description="Looks an image or a video through and makes a thumbnail of it.",
    input=IngestInput,
    output=IngestResult,
    outputs={"thumbnail": "image/png"},
    stages=("prepare", "thumbnail", "upload", "persist"),
    compute="cpu",
    price=_PRICE.rule(),
    deadline_s=DEADLINE_S,
    limits={"max_size": [MIN_THUMBNAIL_PX, MAX_THUMBNAIL_PX], "image_pixels": 50_000_000},
)
