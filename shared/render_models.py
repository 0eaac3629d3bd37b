"""What the export kinds have in common on the wire: keyframes, regions, sizes, the result.

Fields are named and bounded as the export surface has them; the values come out as those
`shared.render` computes with.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from shared.artifacts import VideoRef
from shared.delivery_models import Delivered, DeliveryChoice
from shared.job_kind import Rule, Wire
from shared.layer_models import LAYER_LIMITS, LayerChoice
from shared.numbers import LARGEST_WHOLE, WHOLE, Number
from shared.render.cropping import Rect, Size
from shared.render.effects import Effect
from shared.render.keyframes import DuplicateKeyframe, Keyframe, RegionKeyframe, in_order
from shared.render.regions import Region

MAX_KEYFRAMES = 10_000
MAX_REGIONS = 500
MAX_OUTPUT_PX = 8_847_360  # 4096 × 2160
MIN_OUTPUT_SIDE_PX, MAX_OUTPUT_SIDE_PX = 16, 4096
FURTHEST_PX = 100_000.0
SMALLEST_CROP_PX = 16.0

# The rate an output has, as a fraction: "30000/1001", "25/1".
Rate = Annotated[str, Field(pattern=r"^[1-9][0-9]*/[1-9][0-9]*$", max_length=64)]

FrameNumber = Annotated[int, Field(strict=True, ge=0, le=LARGEST_WHOLE), WHOLE]
Place = Annotated[Number, Field(ge=-FURTHEST_PX, le=FURTHEST_PX)]
CropSide = Annotated[Number, Field(ge=SMALLEST_CROP_PX, le=FURTHEST_PX)]
Radius = Annotated[Number, Field(gt=0, le=FURTHEST_PX)]
Opacity = Annotated[Number, Field(ge=0, le=1)]


class CropKeyframe(Wire):
    """Where the crop is on one frame. Between keyframes it moves in a straight line."""

    frame: FrameNumber = Field(description="Frame of the input's timeline, from 0.")
    x: Place = Field(description="Left edge in pixels of the displayed input.")
    y: Place = Field(description="Top edge in pixels of the displayed input.")
    width: CropSide = Field(description="Width in pixels.")
    height: CropSide = Field(description="Height in pixels.")

    def plain(self) -> Keyframe:
        """The value the render computes with."""
        return Keyframe(self.frame, Rect(self.x, self.y, self.width, self.height))


class _OnFrame(Protocol):
    """What says something for one frame."""

    @property
    def frame(self) -> int: ...

    def plain(self) -> Keyframe | RegionKeyframe: ...


_AnyKeyframe = TypeVar("_AnyKeyframe", bound=_OnFrame)


def put_in_order(keyframes: Sequence[_AnyKeyframe]) -> tuple[_AnyKeyframe, ...]:
    """Sort keyframes and merge equal ones; breaks the rule `duplicate_keyframe`."""
    try:
        in_order([each.plain() for each in keyframes])
    except DuplicateKeyframe as error:
        last = max(i for i, each in enumerate(keyframes) if each.frame == error.frame)
        raise Rule("duplicate_keyframe", str(error), at=(last, "frame")) from error
    by_frame = {each.frame: each for each in keyframes}
    return tuple(by_frame[frame] for frame in sorted(by_frame))


# In order and without repeats once checked, whatever order they were sent in. Checked up to
# the first that is wrong: a body holds hundreds of thousands, and each fault takes its time.
CropKeyframes = Annotated[
    tuple[CropKeyframe, ...],
    Field(max_length=MAX_KEYFRAMES, fail_fast=True),
    AfterValidator(put_in_order),
]


class RegionSpan(Wire):
    """When a highlighted ellipse is there, and how strong the effect is."""

    start_frame: FrameNumber = Field(description="First frame of the input's timeline, from 0.")
    end_frame: FrameNumber = Field(description="The frame after the last.")
    opacity: Opacity = Field(1.0, description="Strength of the effect.")
    color: str = Field(
        "#ffffff",
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="Colour of the effects that paint: #rrggbb.",
    )

    @model_validator(mode="after")
    def _has_frames(self) -> Self:
        if self.end_frame <= self.start_frame:
            raise Rule(
                "invalid_range", "end_frame must be after start_frame", at=("end_frame",)
            )
        return self

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue of the colour, 0 to 255."""
        red, green, blue = bytes.fromhex(self.color[1:])
        return red, green, blue


class HighlightRegion(RegionSpan):
    """An ellipse highlighted over the frames `start_frame ≤ n < end_frame`."""

    x: Place = Field(description="Centre in pixels of the displayed input, before the crop.")
    y: Place = Field(description="Centre in pixels of the displayed input, before the crop.")
    radius_x: Radius = Field(description="Horizontal half axis in pixels.")
    radius_y: Radius = Field(description="Vertical half axis in pixels.")

    def plain(self) -> Region:
        """The value the render computes with."""
        return Region(
            start_frame=self.start_frame,
            end_frame=self.end_frame,
            x=self.x,
            y=self.y,
            radius_x=self.radius_x,
            radius_y=self.radius_y,
            opacity=self.opacity,
            color=self.rgb,
        )


HighlightRegions = Annotated[
    tuple[HighlightRegion, ...], Field(max_length=MAX_REGIONS, fail_fast=True)
]


def _known_effect(value: Any) -> Effect:
    if isinstance(value, str) and value in tuple(Effect):
        return Effect(value)
    raise Rule("unknown_effect_type", f"effect_type must be one of: {', '.join(Effect)}")


EffectType = Annotated[Effect, BeforeValidator(_known_effect)]

_OutputSide = Annotated[
    int,
    Field(strict=True, ge=MIN_OUTPUT_SIDE_PX, le=MAX_OUTPUT_SIDE_PX, multiple_of=2),
    WHOLE,
]


class OutputShape(Wire):
    """The size to make of a video, whatever it is made of."""

    output_width: _OutputSide = Field(1080, description="Width of the output in pixels, even.")
    output_height: _OutputSide = Field(
        1920, description="Height of the output in pixels, even."
    )

    @model_validator(mode="after")
    def _small_enough(self) -> "OutputShape":
        pixels = self.output_width * self.output_height
        if pixels > MAX_OUTPUT_PX:
            raise Rule(
                "validation_failed",
                f"{self.output_width} × {self.output_height} is {pixels} pixels; "
                f"at most {MAX_OUTPUT_PX}",
                at=("output_width",),
            )
        return self

    @property
    def output_size(self) -> Size:
        """Width and height of the output."""
        return Size(self.output_width, self.output_height)


class ExportInput(DeliveryChoice, LayerChoice, OutputShape):
    """What every export takes: the video, its size, what lies over it, and its form."""

    source: VideoRef = Field(description="The video to export.")

    @model_validator(mode="after")
    def _fits_its_codec(self) -> Self:
        self.must_fit(self.output_size)
        return self


class ExportResult(Delivered):
    """The video an export made."""

    frames: int = Field(ge=1, description="Frames of the output.")
    duration_s: float = Field(gt=0, description="Length of the output's video, in seconds.")
    width_px: int = Field(ge=MIN_OUTPUT_SIDE_PX, le=MAX_OUTPUT_SIDE_PX)
    height_px: int = Field(ge=MIN_OUTPUT_SIDE_PX, le=MAX_OUTPUT_SIDE_PX)
    rate: Rate = Field(description="Frames a second, as a fraction: 30000/1001.")
    rate_hz: float = Field(gt=0, description="Frames a second.")
    has_audio: bool
    size_bytes: int = Field(ge=1)


EXPORT_LIMITS: dict[str, Any] = {
    "output_side_px": [MIN_OUTPUT_SIDE_PX, MAX_OUTPUT_SIDE_PX],
    "output_pixels": MAX_OUTPUT_PX,
    "crop_keyframes": MAX_KEYFRAMES,
    **LAYER_LIMITS,
}
