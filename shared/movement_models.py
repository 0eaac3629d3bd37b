"""Movement on the wire, beyond what the export surface has: easings, feathers, moving regions.

Fields at their defaults are left out where an input is written down, so that an order that
names none of them is the same order, and has the same hash, as before there were any.
"""

from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from typing_extensions import override

from shared.job_kind import Rule, Wire
from shared.numbers import Number
from shared.render.effects import Effect
from shared.render.keyframes import Keyframe, RegionKeyframe
from shared.render.movement import Easing
from shared.render.plan import Footage, Plan, plan_overlay
from shared.render.regions import SHARP_EDGE_PX, MovingRegion, Region
from shared.render_models import (
    FURTHEST_PX,
    MAX_KEYFRAMES,
    MAX_REGIONS,
    CropKeyframe,
    EffectType,
    FrameNumber,
    Opacity,
    OutputShape,
    Place,
    Radius,
    RegionSpan,
    put_in_order,
)

MAX_REGION_KEYFRAMES = 10_000  # of all regions together

_PLACE = ("x", "y", "radius_x", "radius_y")


def _known_easing(value: Any) -> Easing:
    if isinstance(value, str) and value in tuple(Easing):
        return Easing(value)
    raise Rule("unknown_easing", f"easing must be one of: {', '.join(Easing)}")


def _is_linear(value: Easing) -> bool:
    return value is Easing.LINEAR


def _is_nothing(value: Any) -> bool:
    return not value


def _easing() -> Any:
    return Field(
        Easing.LINEAR,
        description="How it moves from here to the next keyframe. `linear`: at one speed. "
        "`hold`: not at all, then it cuts on the next keyframe's frame. `ease_in_out`: from "
        "rest to rest, by 3t² − 2t³. `smooth`: on through the neighbouring smooth stretches "
        "without a jerk, each number a monotone cubic that overshoots no keyframe.",
        exclude_if=_is_linear,
    )


EasingChoice = Annotated[Easing, BeforeValidator(_known_easing)]


class EasedKeyframe(CropKeyframe):
    """Where the crop is on one frame, and how it moves to the next keyframe."""

    easing: EasingChoice = _easing()

    @override
    def plain(self) -> Keyframe:
        """The value the render computes with."""
        return replace(CropKeyframe.plain(self), easing=self.easing)


# As `CropKeyframes`: in order once checked, and checked up to the first that is wrong.
EasedKeyframes = Annotated[
    tuple[EasedKeyframe, ...],
    Field(max_length=MAX_KEYFRAMES, fail_fast=True),
    AfterValidator(put_in_order),
]


class EllipseKeyframe(Wire):
    """Where a moving ellipse is on one frame, and how it moves to the next keyframe."""

    frame: FrameNumber = Field(
        description="Frame of the input's timeline, from 0; may lie outside the region's."
    )
    x: Place = Field(description="Centre in pixels of the displayed input, before the crop.")
    y: Place = Field(description="Centre in pixels of the displayed input, before the crop.")
    radius_x: Radius = Field(description="Horizontal half axis in pixels.")
    radius_y: Radius = Field(description="Vertical half axis in pixels.")
    opacity: Opacity | None = Field(
        None, description="Strength of the effect here; null is the region's."
    )
    easing: EasingChoice = _easing()

    def plain(self, opacity: float = 1.0) -> RegionKeyframe:
        """The value the render computes with; `opacity` where it has none of its own."""
        return RegionKeyframe(
            self.frame,
            self.x,
            self.y,
            self.radius_x,
            self.radius_y,
            opacity if self.opacity is None else self.opacity,
            self.easing,
        )


EllipseKeyframes = Annotated[
    tuple[EllipseKeyframe, ...],
    Field(max_length=MAX_REGION_KEYFRAMES, fail_fast=True),
    AfterValidator(put_in_order),
]


class MovableRegion(RegionSpan):
    """An ellipse highlighted over the frames `start_frame ≤ n < end_frame`.

    It rests at x, y with its radii, or moves along keyframes: one or the other.
    """

    x: Place | None = Field(
        None, description="Centre in pixels of the displayed input, before the crop."
    )
    y: Place | None = Field(
        None, description="Centre in pixels of the displayed input, before the crop."
    )
    radius_x: Radius | None = Field(None, description="Horizontal half axis in pixels.")
    radius_y: Radius | None = Field(None, description="Vertical half axis in pixels.")
    feather: Annotated[Number, Field(ge=0, le=FURTHEST_PX)] = Field(
        0.0,
        description="Width of the soft edge in pixels, half of it outside the ellipse; up to "
        "1 is the sharp edge of one pixel.",
        exclude_if=_is_nothing,
    )
    keyframes: EllipseKeyframes = Field(
        (),
        description="Where it is on which frame; held before the first and after the last.",
        exclude_if=_is_nothing,
    )

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        for name in _PLACE:
            if self.keyframes and getattr(self, name) is not None:
                raise Rule("validation_failed", "is said by its keyframes", at=(name,))
            if not self.keyframes and getattr(self, name) is None:
                raise Rule("validation_failed", "needed without keyframes", at=(name,))
        return self

    def plain(self) -> Region | MovingRegion:
        """The value the render computes with."""
        frames = {"start_frame": self.start_frame, "end_frame": self.end_frame}
        edge_px = max(SHARP_EDGE_PX, self.feather)
        x, y, radius_x, radius_y = self.x, self.y, self.radius_x, self.radius_y
        if x is None or y is None or radius_x is None or radius_y is None:
            keyframes = tuple([each.plain(self.opacity) for each in self.keyframes])
            return MovingRegion(**frames, keyframes=keyframes, color=self.rgb, edge_px=edge_px)
        return Region(
            **frames,
            x=x,
            y=y,
            radius_x=radius_x,
            radius_y=radius_y,
            opacity=self.opacity,
            color=self.rgb,
            edge_px=edge_px,
        )


def _few_keyframes(regions: tuple[MovableRegion, ...]) -> tuple[MovableRegion, ...]:
    total = 0
    for at, region in enumerate(regions):
        total += len(region.keyframes)
        if total > MAX_REGION_KEYFRAMES:
            raise Rule(
                "validation_failed",
                f"all regions together have at most {MAX_REGION_KEYFRAMES} keyframes",
                at=(at, "keyframes"),
            )
    return regions


MovableRegions = Annotated[
    tuple[MovableRegion, ...],
    Field(max_length=MAX_REGIONS, fail_fast=True),
    AfterValidator(_few_keyframes),
]


class MovingLook(OutputShape):
    """Ellipses to highlight and how, and the crop's keyframes; all of it may move."""

    highlight_regions: MovableRegions = Field((), description="Ellipses, in list order.")
    effect_type: EffectType = Field(Effect.BLUR, description="One effect for all regions.")
    crop_keyframes: EasedKeyframes | None = Field(
        None, description="Null or empty shows the largest rectangle in the middle."
    )

    def plan(self, footage: Footage) -> Plan:
        """What is rendered of this footage."""
        return plan_overlay(
            footage,
            self.output_size,
            [each.plain() for each in self.crop_keyframes or ()],
            [each.plain() for each in self.highlight_regions],
            self.effect_type,
        )
