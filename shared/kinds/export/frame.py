"""`export.frame`: one frame of what an export would give, as a picture."""

from typing import Annotated

from pydantic import Field, model_validator
from typing_extensions import override

from shared.artifacts import VideoRef
from shared.errors import JobFailed
from shared.job_kind import JobKind, Wire
from shared.layer_models import LayerChoice
from shared.movement_models import MAX_REGION_KEYFRAMES, MovingLook
from shared.numbers import WHOLE, Number
from shared.render.plan import Footage, Plan
from shared.render.still_formats import StillFormat
from shared.render.timebase import frame_shown_at
from shared.render_models import (
    EXPORT_LIMITS,
    MAX_OUTPUT_SIDE_PX,
    MAX_REGIONS,
    MIN_OUTPUT_SIDE_PX,
    FrameNumber,
)
from shared.size_price import BySize

DEADLINE_S = 900

# A file is looked through once, and what lies between a sync sample and the frame is decoded:
# all of the video where it has but one.
_PRICE = BySize(likely_start_s=3, limit_floor_s=120, limit_cap_s=840, mib_per_s=1)

_Quality = Annotated[int, Field(strict=True, ge=1, le=100), WHOLE]


class FrameInput(LayerChoice, MovingLook):
    """A video, how it is to look, and which of its frames."""

    source: VideoRef = Field(description="The video to take the frame of.")
    frame: FrameNumber | None = Field(
        None, description="Which one, on the input's timeline, from 0. Either this or `time`."
    )
    time: Annotated[Number, Field(ge=0)] | None = Field(
        None, description="The one on show at this second of the input."
    )
    format: StillFormat = Field(StillFormat.PNG, description="PNG loses nothing.")
    quality: _Quality = Field(90, description="Of JPEG and WebP, from 1 to 100.")

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "FrameInput":
        if (self.frame is None) == (self.time is None):
            raise ValueError("give either frame or time")
        return self

    @override
    def plan(self, footage: Footage) -> Plan:
        """What a render of this footage would be."""
        return super().plan(footage).with_layers(self.plain_layers())

    def number_in(self, footage: Footage) -> int:
        """The frame asked for. Raises `JobFailed` with `invalid_range` past the last."""
        number = frame_shown_at(self.time or 0.0, footage.rate)
        if self.frame is not None:
            number = self.frame
        if number >= footage.frames:
            raise JobFailed(
                "invalid_range",
                f"The video has {footage.frames} frames, "
                f"{float(footage.duration):.3f} s; the frame asked for lies after them.",
            )
        return number


class FrameResult(Wire):
    """The picture, and which frame it shows."""

    frame: int = Field(ge=0, description="On the input's timeline, from 0.")
    time_s: float = Field(ge=0, description="When the input shows it, in seconds.")
    width_px: int = Field(ge=MIN_OUTPUT_SIDE_PX, le=MAX_OUTPUT_SIDE_PX)
    height_px: int = Field(ge=MIN_OUTPUT_SIDE_PX, le=MAX_OUTPUT_SIDE_PX)
    format: StillFormat
    size_bytes: int = Field(ge=1)


KIND = JobKind(
    name="export.frame",
    version=1,
    description="Renders one frame of what an export would give, as a picture.",
    input=FrameInput,
    output=FrameResult,
    outputs={"image": tuple(each.content_type for each in StillFormat)},
    stages=("prepare", "render", "upload", "persist"),
    compute="cpu",
    price=_PRICE.rule(),
    deadline_s=DEADLINE_S,
    limits={
        **EXPORT_LIMITS,
        "highlight_regions": MAX_REGIONS,
        "region_keyframes": MAX_REGION_KEYFRAMES,
    },
)
