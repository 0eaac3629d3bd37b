"""Draw a plan's layers on finished frames: each made into planes once, then blended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from av.video.frame import VideoFrame

from gpu_worker.media.layers.art import FULL, Art
from gpu_worker.media.picture.colour import Colours
from gpu_worker.media.picture.planes import Array, grey_of, samples_of
from shared.render.plan import Plan


@dataclass(frozen=True, slots=True)
class _Patch:
    """A layer's part of one plane: where it begins, and its colour and alpha, 16 bits."""

    top: int
    left: int
    colour: Array
    alpha: Array


@dataclass(slots=True)
class LayerDrawing:
    """Draws on frames of one plan. Threads may share one.

    `arts` are those of the plan's layers, None where there is nothing to see; `colours` are
    the frames' own. Frames are 4:2:0 with left-sited chroma, of 8 or 10 bits.
    """

    plan: Plan
    arts: Sequence[Art | None]
    colours: Colours
    _patches: dict[int, list[tuple[_Patch, ...]]] = field(default_factory=dict, init=False)
    _making: Lock = field(default_factory=Lock, init=False)

    def __call__(self, n: int, frame: VideoFrame) -> None:
        """Draw what frame n of the input's timeline shows on its finished output."""
        shown = self.plan.layers_at(n)
        if not shown:
            return
        from gpu_worker.media.layers.layer_kernels import blend

        bits = frame.format.components[0].bits
        patches = self._of(bits)
        targets = [samples_of(plane, bits) for plane in frame.planes]
        peak = float((1 << bits) - 1)
        for layer in shown:
            for target, patch in zip(targets, patches[layer.index], strict=False):
                blend(
                    target,
                    patch.top,
                    patch.left,
                    patch.colour,
                    patch.alpha,
                    layer.opacity,
                    peak,
                )

    def _of(self, bits: int) -> list[tuple[_Patch, ...]]:
        with self._making:
            if bits not in self._patches:
                width_px = self.plan.output.width_px
                self._patches[bits] = [
                    _patches(art, self.colours, bits, width_px) if art else ()
                    for art in self.arts
                ]
            return self._patches[bits]


def _patches(art: Art, colours: Colours, bits: int, width_px: int) -> tuple[_Patch, ...]:
    """The layer in Y, Cb and Cr: colours converted once, chroma at its own sites."""
    samples = art.samples.astype(np.float32) / FULL
    alpha = np.ascontiguousarray(samples[..., 3])
    luma, blue, red = _converted(samples, colours, bits)
    size = _Halves.around(art, width_px)
    small_alpha = _sixteen_bits(size.halved(alpha))
    top, left = size.top // 2, size.left // 2
    return (
        _Patch(art.top, art.left, _sixteen_bits(luma), _sixteen_bits(alpha)),
        _Patch(top, left, _sixteen_bits(size.halved(blue)), small_alpha),
        _Patch(top, left, _sixteen_bits(size.halved(red)), small_alpha),
    )


def _converted(samples: Array, colours: Colours, bits: int) -> tuple[Array, Array, Array]:
    """Y, Cb, Cr as parts of the largest code, times alpha as the colours are. H.273, 8.3."""
    red, green, blue, alpha = (samples[..., channel] for channel in range(4))
    weight_r, weight_g, weight_b = colours.luma_weights
    black, luma_span, chroma_span = colours.spans
    peak = (1 << bits) - 1
    unit = 1 / 255 if colours.full else (1 << (bits - 8)) / peak
    grey = grey_of(bits) / peak
    luma = weight_r * red + weight_g * green + weight_b * blue
    return (
        (black * alpha + luma_span * luma) * unit,
        grey * alpha + chroma_span / (2 - 2 * weight_b) * (blue - luma) * unit,
        grey * alpha + chroma_span / (2 - 2 * weight_r) * (red - luma) * unit,
    )


@dataclass(frozen=True, slots=True)
class _Halves:
    """The even-sided rectangle around an art, and how much wider it is on each side."""

    top: int
    left: int
    wider: tuple[tuple[int, int], tuple[int, int]]

    @classmethod
    def around(cls, art: Art, width_px: int) -> "_Halves":
        rows, columns = art.samples.shape[:2]
        top, left = art.top & ~1, art.left & ~1
        bottom = (art.top + rows + 1) & ~1
        # An odd last column is also the one before the next pixel that has chroma.
        right = min((art.left + columns + 2) & ~1, width_px)
        down = (art.top - top, bottom - art.top - rows)
        across = (art.left - left, right - art.left - columns)
        return cls(top, left, (down, across))

    def halved(self, plane: Array) -> Array:
        """Half of each side: mean of two rows; 1, 2, 1 along a row, around its left pixel.

        Outside the art all is clear, but before the frame's first column, which is taken to
        go on there.
        """
        wide = np.pad(plane, self.wider)
        rows = (wide[0::2] + wide[1::2]) / 2
        before = np.zeros_like(rows[:, :1]) if self.left else rows[:, :1]
        left = np.concatenate([before, rows[:, 1:-1:2]], axis=1)
        made: Array = (left + 2 * rows[:, 0::2] + rows[:, 1::2]) / 4
        return made


def _sixteen_bits(plane: Array) -> Array:
    made: Array = np.ascontiguousarray(np.rint(np.clip(plane, 0, 1) * FULL).astype(np.uint16))
    return made
