"""Crop and scale in one step, plane by plane, with sub-pixel precision.

Separable Lanczos3. Output sample *u* of an axis lies at `x + (u + 0.5)·w/W` of the displayed
picture; what that is in a plane's samples follows from the plane's axes, so chroma siting,
rotation and pixel shape need no case of their own. Tables are made from the exact rectangle
of each frame, in double precision, and nothing is accumulated from frame to frame.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Protocol

import numpy as np
from av.video.frame import VideoFrame

from gpu_worker.media.picture.planes import Array, Axis, Picture, samples_of, subsampled
from shared.render.cropping import Rect, Size

OUTPUT_FORMAT = "yuv420p"
LOBES = 3
_KEPT_TABLES = 32  # a crop that rests on one axis or both finds its tables again


@dataclass(frozen=True, slots=True)
class Span:
    """One axis of a crop of a plane: sample *u* of `count` lies at origin + (u + 0.5)·step."""

    origin: float
    step: float
    count: int

    @property
    def reach(self) -> float:
        """How far from its place a sample still reads, in source samples."""
        return LOBES * max(self.step, 1.0)


class PlaneResampler(Protocol):
    """Fills an 8-bit plane from a part of another."""

    def __call__(self, source: Array, x: Span, y: Span, gain: float, out: Array) -> None:
        """`source` times `gain` is on the output's scale; `out` may have padding columns."""


class CompiledResampler:
    """The engine: `kernels.resample` with its tables kept for frames that share them."""

    def __init__(self) -> None:
        # Imported here: without numba the rest of this module still serves.
        from gpu_worker.media.picture import resample_kernels as kernels

        self._kernels = kernels
        self._taps = lru_cache(maxsize=_KEPT_TABLES)(self._table)

    def __call__(self, source: Array, x: Span, y: Span, gain: float, out: Array) -> None:
        """As `PlaneResampler` says."""
        rows, columns = source.shape
        if gain == 1.0 and _is_whole(x, columns) and _is_whole(y, rows):
            # What the tables would give too, at a tenth of the cost.
            top, left = int(y.origin), int(x.origin)
            out[:, : x.count] = source[top : top + y.count, left : left + x.count]
            return
        short = max(_taps(x) - columns, 0), max(_taps(y) - rows, 0)
        if any(short):
            source = np.pad(source, ((0, short[1]), (0, short[0])), mode="edge")
            rows, columns = source.shape
        across, across_weights = self._taps(x, columns, 1.0)
        down, down_weights = self._taps(y, rows, gain)
        self._kernels.resample(source, across, across_weights, down, down_weights, 255.0, out)

    def _table(self, span: Span, size: int, gain: float) -> tuple[Array, Array]:
        starts = np.empty(span.count, np.int32)
        weights = np.empty((span.count, _taps(span)), np.float64)
        taps = ceil(2 * span.reach)
        self._kernels.lanczos_taps(span.origin, span.step, size, taps, starts, weights)
        return starts, (weights * gain).astype(np.float32)


def _is_whole(span: Span, size: int) -> bool:
    """Whether each output sample is one of the source's."""
    whole = span.step == 1.0 and span.origin.is_integer()
    return whole and 0 <= span.origin <= size - span.count


def _taps(span: Span) -> int:
    # The kernel works on six rows, then on three at a time.
    return 3 * ceil(ceil(2 * span.reach) / 3)


def pillow_resample(source: Array, x: Span, y: Span, gain: float, out: Array) -> None:
    """The reference, used where numba is absent: Pillow's own Lanczos, in float32."""
    from PIL import Image

    (left, right), (top, bottom) = _margins(x, source.shape[1]), _margins(y, source.shape[0])
    column = max(0, int(x.origin - x.reach) - 1)
    row = max(0, int(y.origin - y.reach) - 1)
    patch = source[
        row : ceil(y.origin + y.step * y.count + y.reach) + 1,
        column : ceil(x.origin + x.step * x.count + x.reach) + 1,
    ]
    padded = np.pad(patch.astype(np.float32), ((top, bottom), (left, right)), mode="edge")
    from_x, from_y = x.origin - column + left, y.origin - row + top
    box = (from_x, from_y, from_x + x.step * x.count, from_y + y.step * y.count)
    made = np.asarray(
        Image.fromarray(padded).resize(
            (x.count, y.count), Image.Resampling.LANCZOS, box=box, reducing_gap=None
        )
    )
    out[:, : x.count] = np.clip(np.floor(made * gain + 0.5), 0, 255)


def _margins(span: Span, size: int) -> tuple[int, int]:
    """Edge samples to add so that nothing is read outside: before and after."""
    first, last = span.origin - span.reach, span.origin + span.step * span.count + span.reach
    return max(0, ceil(-first) + 1), max(0, ceil(last - size) + 2)


def plane_resampler() -> PlaneResampler:
    """The compiled engine, or Pillow where numba is not installed."""
    try:
        return CompiledResampler()
    except ImportError:
        return pillow_resample


class Resampler:
    """Makes output frames of one size from rectangles of pictures. Threads may share one."""

    def __init__(self, output: Size, plane: PlaneResampler | None = None) -> None:
        self._output = output
        self._plane = plane or plane_resampler()
        luma = Axis(1, 0)
        across, down = subsampled(2, centred=False), subsampled(2, centred=True)
        self._axes = ((luma, luma), (across, down), (across, down))

    def frame(self, picture: Picture, rect: Rect) -> VideoFrame:
        """What a rectangle of the displayed picture shows, as 8-bit 4:2:0, chroma left-sited.

        Range and matrix stay those of the picture; no sample passes through RGB.
        """
        made = VideoFrame(self._output.width_px, self._output.height_px, OUTPUT_FORMAT)
        for source, target, (x, y) in zip(picture.planes, made.planes, self._axes, strict=True):
            self._plane(
                source.samples,
                _span(source.x, x, rect.x, rect.width / self._output.width_px, target.width),
                _span(source.y, y, rect.y, rect.height / self._output.height_px, target.height),
                1.0 / picture.unit,
                samples_of(target),
            )
        return made


def _span(source: Axis, target: Axis, start: float, ratio: float, count: int) -> Span:
    """The axis of a crop in samples: output edge → output pixel → displayed → source edge.

    `start` is the rectangle's first edge, `ratio` its length for each output pixel.
    """
    first_px = -target.shift / target.scale  # where the output's edge 0 lies, in its pixels
    return Span(
        origin=source.scale * (start + first_px * ratio) + source.shift,
        step=source.scale * ratio / target.scale,
        count=count,
    )
