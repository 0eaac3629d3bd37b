"""Render a file of the corpus once, so that everything asked of it can be measured there."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shared.render.cropping import Rect, Size, centred
from tests.media.corpus.entry import Entry
from tests.media.corpus.signals import BAR_ROWS, Layout
from tests.support.exports import (
    Exported,
    Shot,
    centroid,
    export,
    heard,
    number_in,
    onsets_s,
    rgb_at,
    shots,
)

# Whole pictures first, with a highlight from frame 4 on, to frame 8; then a pan.
DARK = range(4, 8)
PAN_FROM = 14
_PART = 0.75


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a render of an entry shows, frame by frame."""

    entry: Entry
    made: Exported
    shots: tuple[Shot, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The number each frame shows."""
        at = Layout(self.entry.size).number
        return tuple(number_in(shot.y, at, self.rect(n)) for n, shot in enumerate(self.shots))

    @property
    def patches(self) -> dict[str, list[float]]:
        """The colours of the corners on the first frame, by the output's own tags."""
        return self.patches_on(0)

    def patches_on(self, n: int) -> dict[str, list[float]]:
        """The colours of the corners on frame n, of whole pictures."""
        rect, output = self.rect(n), self.entry.output
        across, down = output.width_px / rect.width, output.height_px / rect.height
        return {
            name: rgb_at(self.shots[n], (x - rect.x) * across, (y - rect.y) * down)
            for name, (x, y) in Layout(self.entry.size).patch_middles.items()
        }

    def bar_on(self, n: int) -> list[float]:
        """Where the moving bar is on frame n, of whole pictures, on each of its rows."""
        top, end = BAR_ROWS
        rows = self.shots[n].y[top + 2 : end - 2, 40:150].astype(float)
        light = np.clip(rows - 0.5 * (rows.max() + np.median(rows)), 0, None)
        across = np.arange(40, 150) + 0.5
        found: list[float] = (light @ across / light.sum(1)).tolist()
        return found

    @property
    def dots_off_px(self) -> list[tuple[float, float]]:
        """How far the dot is from where the pan should show it, in pixels of the input."""
        return [
            (seen[0] - at[0], seen[1] - at[1])
            for seen, at in zip(self._dots(), self._dots_meant(), strict=True)
        ]

    @property
    def sounds_at_s(self) -> list[float]:
        """When tones set in."""
        return onsets_s(heard(self.made.path)) if self.made.result.has_audio else []

    def rect(self, n: int) -> Rect:
        """What frame n shows of the input: all of it, or a part that moves."""
        whole = centred(self.entry.size, self.entry.output)
        if n < PAN_FROM:
            return whole
        along = (n - PAN_FROM) / max(1, len(self.entry.numbers) - 1 - PAN_FROM)
        return pan_rect(self.entry.size, self.entry.output, along)

    def _dots_meant(self) -> list[tuple[float, float]]:
        dot = Layout(self.entry.size).dot
        return [dot] * len(self.shots[PAN_FROM:])

    def _dots(self) -> list[tuple[float, float]]:
        found = []
        for n, shot in enumerate(self.shots[PAN_FROM:], PAN_FROM):
            rect, (x, y) = self.rect(n), Layout(self.entry.size).dot
            scale = self.entry.output.width_px / rect.width
            near = (x - rect.x) * scale, (y - rect.y) * scale
            u, v = centroid(shot.y, near, 16 * scale)
            found.append((u / scale + rect.x, v / scale + rect.y))
        return found


def pan_rect(size: Size, output: Size, along: float) -> Rect:
    """The part shown at a share of the pan's way: it goes right by 1/8 and a little down."""
    whole = centred(size, output)
    return Rect(
        size.width_px * (0.06 + along / 8),
        along * 1.5,
        whole.width * _PART,
        whole.height * _PART,
    )


def render_entry(entry: Entry, file: Path, scratch: Path) -> Rendering:
    """Render with a highlight and a crop that stands still before it moves."""
    whole = centred(entry.size, entry.output)
    last = max(PAN_FROM + 1, len(entry.numbers) - 1)
    ends = [pan_rect(entry.size, entry.output, along) for along in (0.0, 1.0)]
    crops = {0: whole, PAN_FROM - 1: whole, PAN_FROM: ends[0], last: ends[1]}
    made = export(
        "overlay",
        file,
        scratch,
        effect_type="dark_overlay",
        highlight_regions=_regions(entry.size) if len(entry.numbers) > DARK.start else [],
        crop_keyframes=[
            {
                "frame": frame,
                "x": rect.x,
                "y": rect.y,
                "width": rect.width,
                "height": rect.height,
            }
            for frame, rect in crops.items()
            if frame < len(entry.numbers)
        ],
        output_width=entry.output.width_px,
        output_height=entry.output.height_px,
    )
    return Rendering(entry, made, tuple(shots(made.path)))


def _regions(size: Size) -> list[dict[str, float]]:
    """Ellipses over the number, which stays readable, and over the top left patch."""
    layout = Layout(size)
    x, y = layout.number
    patch = layout.patch_middles["top left"]
    spans = {"start_frame": DARK.start, "end_frame": DARK.stop}
    return [
        {**spans, "x": x + 40, "y": y + 16, "radius_x": 64, "radius_y": 26},
        {**spans, "x": patch[0], "y": patch[1], "radius_x": 16, "radius_y": 14},
    ]


def is_dark(shot: Shot, size: Size) -> bool:
    """Whether a frame is darkened, seen beside the dot."""
    x, y = Layout(size).dot
    return (
        float(np.mean(shot.y[round(y) - 4 : round(y) + 4, round(x / 2) - 4 : round(x / 2)]))
        < 60
    )
