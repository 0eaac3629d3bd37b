"""`export.frame`: one frame of what an export would give, as a picture."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator
from typing_extensions import override

from shared.artifacts import VideoRef
from shared.errors import JobFailed
from shared.job_kind import JobKind, PriceRule, StoredFile, Wire
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

DEADLINE_S = 900

# A file is looked through once, and what lies between a sync sample and the frame is decoded:
# all of the video where it has but one. At 1 MiB a second there is time for that on two cores.
_LIMIT_FLOOR_S, _LIMIT_CAP_S = 120.0, 840.0
_LIMIT_BYTES_PER_S = 1024 * 1024
_LIKELY_START_S = 3.0
_LIKELY_BYTES_PER_S = 50e6

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


def limit_s(_order: Any, files: Mapping[str, StoredFile]) -> float:
    """The longest an attempt may run, in seconds: 120 and up, 840 at most."""
    by_size_s = files["source"].size_bytes / _LIMIT_BYTES_PER_S
    return min(_LIMIT_FLOOR_S + by_size_s, _LIMIT_CAP_S)


def likely_s(order: Any, files: Mapping[str, StoredFile]) -> float:
    """The estimate shown beforehand, in seconds; at most the limit."""
    fetch_s = files["source"].size_bytes / _LIKELY_BYTES_PER_S
    return min(_LIKELY_START_S + fetch_s, limit_s(order, files))


KIND = JobKind(
    name="export.frame",
    version=1,
    description="Renders one frame of what an export would give, as a picture.",
    input=FrameInput,
    output=FrameResult,
    outputs={"image": tuple(each.content_type for each in StillFormat)},
    stages=("prepare", "render", "upload", "persist"),
    compute="cpu",
    price=PriceRule(
        limit_s,
        likely_s,
        "worker seconds: three, and one for each 50 MB of the stored file; the limit is "
        "120 s and one second for each MiB, at most 840 s",
    ),
    deadline_s=DEADLINE_S,
    limits={
        **EXPORT_LIMITS,
        "highlight_regions": MAX_REGIONS,
        "region_keyframes": MAX_REGION_KEYFRAMES,
    },
)
