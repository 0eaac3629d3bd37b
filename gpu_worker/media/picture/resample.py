"""Crop and scale in one step, plane by plane, with sub-pixel precision.

Separable Lanczos3. Output sample *u* of an axis lies at `x + (u + 0.5)·w/W` of the displayed
picture; what that is in a plane's samples follows from the plane's axes, so chroma siting,
rotation and pixel shape need no case of their own. Tables are made from the exact rectangle
of each frame, in double precision, and nothing is accumulated from frame to frame.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from threading import local
from typing import Protocol

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane

from gpu_worker.media.picture.frame_pool import FramePool
from gpu_worker.media.picture.planes import (
    Array,
    Axis,
    Picture,
    Plane,
    grey_of,
    samples_of,
    subsampled,
    unit_of,
)
from shared.render.cropping import Rect, Size

_FORMATS = {8: "yuv420p", 10: "yuv420p10le"}
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

    def is_whole(self, size: int) -> bool:
        """Whether each of its samples is one of the `size` there are."""
        whole = self.step == 1.0 and self.origin.is_integer()
        return whole and 0 <= self.origin <= size - self.count


class PlaneResampler(Protocol):
    """Fills a plane from a part of another."""

    def __call__(
        self,
        source: Array,
        x: Span,
        y: Span,
        gain: float,
        out: Array,
        bias: float = 0.0,
        top: float = 255.0,
    ) -> None:
        """Make `gain` times `source` plus `bias`, rounded and held to 0 … `top`.

        `out` is (rows, columns), uint8 or uint16, and may have padding columns.
        """


class CompiledResampler:
    """The engine: `kernels.resample` with its tables kept for frames that share them.

    Threads may share one; each works on memory of its own, kept from plane to plane.
    """

    def __init__(self) -> None:
        # Imported here: without numba the rest of this module still serves.
        from gpu_worker.media.picture import resample_kernels as kernels

        self._kernels = kernels
        self._taps = lru_cache(maxsize=_KEPT_TABLES)(self._table)
        self._mine = local()

    def __call__(
        self,
        source: Array,
        x: Span,
        y: Span,
        gain: float,
        out: Array,
        bias: float = 0.0,
        top: float = 255.0,
    ) -> None:
        """As `PlaneResampler` says."""
        rows, columns = source.shape
        if gain == 1.0 and bias == 0.0 and x.is_whole(columns) and y.is_whole(rows):
            # What the tables would give too, at a tenth of the cost.
            top_row, left = int(y.origin), int(x.origin)
            out[:, : x.count] = source[top_row : top_row + y.count, left : left + x.count]
            return
        if source.dtype.itemsize < out.dtype.itemsize:
            source = source.astype(out.dtype)  # no machine code of its own: nobody films so
        short = max(_taps(x) - columns, 0), max(_taps(y) - rows, 0)
        if any(short):
            source = np.pad(source, ((0, short[1]), (0, short[0])), mode="edge")
            rows, columns = source.shape
        across, across_weights = self._taps(x, columns, 1.0)
        down, down_weights = self._taps(y, rows, gain)
        read = int(down[-1] - down[0]) + down_weights.shape[1]
        self._kernels.resample(
            source,
            across,
            across_weights,
            down,
            down_weights,
            (bias + 0.5, top),
            self._work(self._kernels.work_size(across, across_weights.shape[1], read)),
            out,
        )

    def _work(self, size: int) -> Array:
        mine: Array | None = getattr(self._mine, "work", None)
        if mine is None or len(mine) < size:
            mine = self._mine.work = np.empty(size, np.float32)
        return mine

    def _table(self, span: Span, size: int, gain: float) -> tuple[Array, Array]:
        starts = np.empty(span.count, np.int32)
        weights = np.empty((span.count, _taps(span)), np.float64)
        taps = ceil(2 * span.reach)
        self._kernels.lanczos_taps(span.origin, span.step, size, taps, starts, weights)
        return starts, (weights * gain).astype(np.float32)


def _taps(span: Span) -> int:
    # The kernel works on six rows, then on three at a time.
    return 3 * ceil(ceil(2 * span.reach) / 3)


def pillow_resample(
    source: Array,
    x: Span,
    y: Span,
    gain: float,
    out: Array,
    bias: float = 0.0,
    top: float = 255.0,
) -> None:
    """The reference, used where numba is absent: Pillow's own Lanczos, in float32."""
    from PIL import Image

    rows, columns = source.shape
    (left, right), (above, below) = _margins(x, columns), _margins(y, rows)
    column = max(0, int(x.origin - x.reach) - 1)
    row = max(0, int(y.origin - y.reach) - 1)
    patch = source[
        row : ceil(y.origin + y.step * y.count + y.reach) + 1,
        column : ceil(x.origin + x.step * x.count + x.reach) + 1,
    ]
    padded = np.pad(patch.astype(np.float32), ((above, below), (left, right)), mode="edge")
    from_x, from_y = x.origin - column + left, y.origin - row + above
    box = (from_x, from_y, from_x + x.step * x.count, from_y + y.step * y.count)
    made = np.asarray(
        Image.fromarray(padded).resize(
            (x.count, y.count), Image.Resampling.LANCZOS, box=box, reducing_gap=None
        )
    )
    out[:, : x.count] = np.clip(np.floor(made * gain + (bias + 0.5)), 0, top)


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


@dataclass(frozen=True, slots=True)
class Canvas:
    """An output frame of any content, and its planes in the place of a picture's."""

    frame: VideoFrame
    picture: Picture


class Resampler:
    """Makes output frames of one size from rectangles of pictures. Threads may share one.

    `bits` is 8 or 10: planar 4:2:0 with as many bits a sample, chroma left-sited.
    """

    def __init__(
        self, output: Size, plane: PlaneResampler | None = None, *, bits: int = 8
    ) -> None:
        self._output = output
        self._bits = bits
        self._frames = FramePool(output, _FORMATS[bits])
        self._plane = plane or plane_resampler()
        luma = Axis(1, 0)
        across, down = subsampled(2, centred=False), subsampled(2, centred=True)
        self._axes = ((luma, luma), (across, down), (across, down))

    def frame(self, picture: Picture, rect: Rect) -> VideoFrame:
        """What a rectangle of the displayed picture shows.

        Range and matrix stay those of the picture; no sample passes through RGB.
        """
        made = self._frames.frame()
        gain = unit_of(self._bits, picture.full) / picture.unit
        colourless = grey_of(self._bits) - grey_of(picture.bits) * gain
        for source, target, axes, bias in zip(
            picture.planes, made.planes, self._axes, (0.0, colourless, colourless), strict=True
        ):
            self._plane(
                source.samples,
                *self._spans(source, axes, rect, target),
                gain,
                samples_of(target, self._bits),
                bias,
                float((1 << self._bits) - 1),
            )
        return made

    def canvas(self, picture: Picture, rect: Rect) -> Canvas | None:
        """A frame to paint the picture on, where `frame` would show it sample for sample."""
        if picture.bits != self._bits:
            return None
        made = self._frames.frame()
        planes = []
        for source, target, axes in zip(picture.planes, made.planes, self._axes, strict=True):
            samples = samples_of(target, self._bits)
            whole = tuple(Span(0.0, 1.0, count) for count in reversed(source.samples.shape))
            if samples.shape != source.samples.shape or whole != self._spans(
                source, axes, rect, target
            ):
                return None
            planes.append(replace(source, samples=samples))
        y, cb, cr = planes
        return Canvas(made, replace(picture, planes=(y, cb, cr)))

    def _spans(
        self, source: Plane, axes: tuple[Axis, Axis], rect: Rect, target: VideoPlane
    ) -> tuple[Span, Span]:
        x, y = axes
        width, height = self._output.width_px, self._output.height_px
        return (
            _span(source.x, x, rect.x, rect.width / width, target.width),
            _span(source.y, y, rect.y, rect.height / height, target.height),
        )


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
