"""A render, frame by frame, before any pixel is touched.

What the page previews and what the worker renders both come from here: for each frame of
the constant-rate timeline the rectangle it shows and the regions on it, which frames are
kept, where the audio is cut, and what the person should be told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from shared.errors import JobFailed
from shared.render.cropping import Rect, Size
from shared.render.effects import Effect
from shared.render.keyframes import CropPath, Keyframe
from shared.render.layers import Layer, PlacedLayer, never_seen, placed
from shared.render.regions import MovingRegion, Region
from shared.render.timebase import frames_in_range


@dataclass(frozen=True, slots=True)
class Footage:
    """What a plan must know of the input.

    `size` as displayed: turned as its metadata says, in square pixels. `frames` is N, the
    frames at the constant `rate`; `duration` is T in seconds, from the first video frame to
    the end of the last.
    """

    size: Size
    rate: Fraction
    frames: int
    duration: Fraction

    def __post_init__(self) -> None:
        if self.frames < 1 or self.rate <= 0:
            raise ValueError(f"{self.frames} frames at {self.rate} are no footage")


@dataclass(frozen=True, slots=True)
class Remark:
    """Something the person should know; the render goes on."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is rendered. Frame numbers count on the input's timeline, also after a trim.

    `frames` are the frames kept, in order; the output's frame i is `frames[i]`.
    """

    footage: Footage
    output: Size
    frames: range
    path: CropPath
    highlights: tuple[Region | MovingRegion, ...]
    effect: Effect
    remarks: tuple[Remark, ...]
    layers: tuple[Layer, ...] = ()

    def rect(self, n: int) -> Rect:
        """What frame n shows, in pixels of the displayed input."""
        return self.path.rect(n)

    def regions(self, n: int) -> tuple[Region, ...]:
        """The regions drawn on frame n, in list order, each at its place there.

        Empty leaves the frame unchanged.
        """
        return tuple([region.at(n) for region in self.highlights if region.active(n)])

    def layers_at(self, n: int) -> tuple[PlacedLayer, ...]:
        """The layers drawn on the output of frame n, in drawing order."""
        return placed(self.layers, self.output, n)

    def with_layers(self, layers: Sequence[Layer]) -> "Plan":
        """The same with layers over the output, and a remark on those it never shows."""
        known = tuple(each.within(self.frames, self.footage.frames) for each in layers)
        remarks = self.remarks
        if unseen := never_seen(known, self.frames):
            remark = Remark(
                "layer_out_of_range",
                f"Layers outside the frames kept are not seen: {_listed(unseen)}, "
                "counted from 0.",
            )
            remarks = (*remarks, remark)
        return replace(self, layers=known, remarks=remarks)

    @property
    def starts_at(self) -> Fraction:
        """Where the kept video starts, in seconds after the first video frame.

        The audio is cut here and at `ends_at`: at frames' instants and not at the asked
        times, which lie up to a frame before them and would put the sound late by as much.
        """
        return self.frames.start / self.footage.rate

    @property
    def ends_at(self) -> Fraction:
        """Where the kept video ends, in seconds after the first video frame."""
        return self.frames.stop / self.footage.rate

    @property
    def whole(self) -> bool:
        """Whether nothing was trimmed, so that audio can stay as it is."""
        return self.frames == range(self.footage.frames)


def plan_framing(
    footage: Footage,
    output: Size,
    keyframes: Sequence[Keyframe],
    *,
    start_s: float | None = None,
    end_s: float | None = None,
) -> Plan:
    """The plan of a trimmed crop. Times in seconds on the input's timeline, half-open.

    Raises `JobFailed` with `invalid_range` where the range holds no frame of the input, and
    `DuplicateKeyframe`.
    """
    frames = _trimmed(footage, start_s, end_s)
    path = CropPath(tuple(keyframes), footage.size, output)
    remarks = _crop_remarks(path, footage, frames)
    if not path.keyframes:
        remarks.insert(0, Remark("crop_defaulted", "No crop was given; the middle is shown."))
    if end_s is not None and Fraction(end_s) > footage.duration + _slack(footage):
        remarks.append(
            Remark(
                "end_time_clamped",
                f"The end, {end_s:g} s, lies past the video's, "
                f"{float(footage.duration):.3f} s, and was moved there.",
            )
        )
    return Plan(footage, output, frames, path, (), Effect.NONE, tuple(remarks))


def plan_overlay(
    footage: Footage,
    output: Size,
    keyframes: Sequence[Keyframe],
    regions: Sequence[Region | MovingRegion],
    effect: Effect,
) -> Plan:
    """The plan of a highlight, which crops too: in the middle where no crop is given.

    Raises `DuplicateKeyframe`.
    """
    frames = range(footage.frames)
    path = CropPath(tuple(keyframes), footage.size, output)
    seen = [region.seen_within(frames, footage.size) for region in regions]
    remarks = _crop_remarks(path, footage, frames)
    if not all(seen):
        which = [index for index, is_seen in enumerate(seen) if not is_seen]
        remarks.append(
            Remark(
                "region_out_of_range",
                f"Regions after the last frame or outside the picture were left out: "
                f"{_listed(which)}, counted from 0.",
            )
        )
    drawn = (
        ()
        if effect is Effect.NONE
        else tuple(region for region, is_seen in zip(regions, seen, strict=True) if is_seen)
    )
    return Plan(footage, output, frames, path, drawn, effect, tuple(remarks))


def _trimmed(footage: Footage, start_s: float | None, end_s: float | None) -> range:
    frames = frames_in_range(start_s, end_s, footage.rate, footage.frames)
    late = start_s is not None and Fraction(start_s) >= footage.duration
    if late or not frames:
        raise JobFailed(
            "invalid_range",
            detail=f"no frame from {start_s} s to {end_s} s in {float(footage.duration)} s",
        )
    return frames


def _slack(footage: Footage) -> Fraction:
    # As in `first_frame_from`: a float second may lie this far past the instant it means.
    return Fraction(1, 1_000_000) / footage.rate


def _crop_remarks(path: CropPath, footage: Footage, frames: range) -> list[Remark]:
    remarks = []
    late = [each.frame for each in path.keyframes if each.frame >= footage.frames]
    if late:
        remarks.append(
            Remark(
                "keyframe_out_of_range",
                f"The video has {footage.frames} frames; keyframes lie after them, "
                f"on {_listed(late)}.",
            )
        )
    if path.clamps_within(frames):
        remarks.append(
            Remark("crop_clamped", "The crop reached outside the picture and was moved inside.")
        )
    return remarks


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:5])
    return f"{shown} and {len(numbers) - 5} more" if len(numbers) > 5 else shown
