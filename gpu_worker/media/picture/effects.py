"""Highlights: what each effect makes of the samples inside or outside the ellipses.

All of it happens on Y, Cb and Cr as they are, each plane at its own sites: mixing towards a
colour or a blur is linear, so it is the same there as in RGB. Only clipping at white is not,
and `effect_kernels.brighten` sees to that.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, exp, sqrt
from threading import local
from typing import Any

import numpy as np
import numpy.typing as npt

from gpu_worker.media.picture.look import Look
from gpu_worker.media.picture.masks import axes_of, box_of, ellipses_of
from gpu_worker.media.picture.planes import Array, Picture, Plane, grey_of
from shared.render.effects import (
    BRIGHTEN,
    DARKEN,
    TINT,
    Effect,
    blur_sigma_px,
    outline_width_px,
)
from shared.render.regions import Region, strength


class Painter:
    """Paints one effect over pictures of one video. Threads may share one.

    Each thread paints in memory of its own, kept from picture to picture. `kernels`: what
    has the functions of `effect_kernels`, on whatever computes them.
    """

    def __init__(self, effect: Effect, look: Look, kernels: Any = None) -> None:
        self._look = look
        self._mine = local()
        self._sigma_px = blur_sigma_px(look.displayed)
        self._ring_px = outline_width_px(look.displayed)
        self._paint = {
            Effect.BLUR: self._blur,
            Effect.DARK_OVERLAY: self._darken,
            Effect.BRIGHTNESS_BOOST: self._brighten,
            Effect.TINT: self._tint,
            Effect.OUTLINE: self._outline,
            Effect.NONE: None,
        }[effect]
        if self._paint is not None:
            # Imported here: without numba a video can still be framed.
            from gpu_worker.media.picture import effect_kernels

            self._kernels = kernels or effect_kernels

    def paints(self, regions: Sequence[Region]) -> bool:
        """Whether a frame with these regions is changed at all."""
        return self._paint is not None and bool(regions)

    def painted(
        self, picture: Picture, regions: Sequence[Region], canvas: Picture | None = None
    ) -> Picture:
        """The picture with the effect; itself where no region is active or nothing is drawn.

        A changed picture has planes of its own: the decoder may still need the others. They
        are those of `canvas`, where one of the same shape is given; else the painter's, and
        good until the same thread paints its next.
        """
        if self._paint is None or not regions:
            return picture
        own = canvas or self._canvas(picture)
        for plane, target in zip(picture.planes, own.planes, strict=True):
            self._kernels.copy(plane.samples, target.samples)
        self._paint(own, regions)
        return own

    def _canvas(self, picture: Picture) -> Picture:
        y, cb, cr = (
            replace(plane, samples=self._room(name, plane.samples.shape, plane.samples.dtype))
            for name, plane in zip("ybr", picture.planes, strict=True)
        )
        return replace(picture, planes=(y, cb, cr))

    def _room(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """Memory of this thread's own, of any content, the same for the same shape."""
        kept: Array | None = getattr(self._mine, name, None)
        if kept is None or kept.shape != shape or kept.dtype != dtype:
            kept = self._kernels.empty(shape, dtype)
            setattr(self._mine, name, kept)
        return kept

    def _blur(self, picture: Picture, regions: Sequence[Region]) -> None:
        ellipses = ellipses_of(regions)
        for plane in picture.planes:
            soft, step, border = self._blurred(plane)
            self._kernels.blend_soft(
                plane.samples,
                soft,
                step,
                border,
                axes_of(plane),
                ellipses,
                strength(regions),
                float(picture.peak),
            )

    def _blurred(self, plane: Plane) -> tuple[Array, int, int]:
        """The plane blurred at full width and reduced height; how much, and its border's rows.

        Shrinking by half a sigma, smoothing and linear enlarging widen alike, so the sum of
        their variances is what the full-size Gaussian has.
        """
        rows, columns = plane.samples.shape
        across, weights_x = _reduced_gaussian(self._sigma_px * plane.x.scale)
        down, weights_y = _reduced_gaussian(self._sigma_px * plane.y.scale)
        border = max(len(weights_x), len(weights_y))
        size = ceil(rows / down) + 2 * border, ceil(columns / across) + 2 * border
        of = f"{rows} by {columns}"  # luma and chroma in turn, each with its own
        small = self._room(f"small {of}", size, np.float32)
        self._kernels.shrink(plane.samples, across, down, border, small)
        half = self._room(f"half {of}", size, np.float32)
        self._kernels.smooth(small, half, weights_x, weights_y)
        wide = self._room(f"wide {of}", (size[0], columns), np.float32)
        self._kernels.stretch_rows(small, across, border, wide)
        return wide, down, border

    def _darken(self, picture: Picture, regions: Sequence[Region]) -> None:
        ellipses = ellipses_of(regions)
        black = self._codes(picture, (0, 0, 0))
        for plane, target in zip(picture.planes, black, strict=True):
            rows, columns = plane.samples.shape
            self._kernels.blend_flat(
                plane.samples,
                (0, rows, 0, columns),
                axes_of(plane),
                ellipses,
                0.0,
                True,
                DARKEN * strength(regions),
                target,
                float(picture.peak),
            )

    def _brighten(self, picture: Picture, regions: Sequence[Region]) -> None:
        y, cb, cr = picture.planes
        red, _, blue = self._look.colours.luma_weights
        black, luma_span, chroma_span = self._look.colours.spans
        unit = picture.unit
        numbers = (
            red,
            blue,
            black * unit,
            luma_span * unit,
            grey_of(picture.bits),
            chroma_span * unit,
            picture.peak,
        )
        self._kernels.brighten(
            y.samples,
            cb.samples,
            cr.samples,
            (round(y.x.scale / cb.x.scale), round(y.y.scale / cb.y.scale)),
            axes_of(y),
            axes_of(cb),
            ellipses_of(regions),
            BRIGHTEN * strength(regions),
            np.array(numbers, np.float64),
        )

    def _tint(self, picture: Picture, regions: Sequence[Region]) -> None:
        for region in regions:
            self._fill(picture, region, 0.0, TINT * region.opacity)

    def _outline(self, picture: Picture, regions: Sequence[Region]) -> None:
        for region in regions:
            self._fill(picture, region, self._ring_px, region.opacity)

    def _fill(self, picture: Picture, region: Region, ring_px: float, share: float) -> None:
        ellipse = ellipses_of([region])
        colour = self._codes(picture, region.color)
        for plane, target in zip(picture.planes, colour, strict=True):
            self._kernels.blend_flat(
                plane.samples,
                box_of(region, plane, ring_px),
                axes_of(plane),
                ellipse,
                ring_px,
                False,
                share,
                target,
                float(picture.peak),
            )

    def _codes(
        self, picture: Picture, color: tuple[int, int, int]
    ) -> tuple[float, float, float]:
        y, cb, cr = self._look.colours.codes(*color)
        unit, grey = picture.unit, grey_of(picture.bits)
        return y * unit, grey + (cb - 128) * unit, grey + (cr - 128) * unit


def _reduced_gaussian(sigma: float) -> tuple[int, Array]:
    """By how much to shrink for a blur this wide, and what is left to smooth there.

    Returns the step in samples and the right half of a kernel, float32, from its middle on.
    A box of s samples has variance (s² − 1)/12, linear enlarging by s has (s² − 1)/6.
    """
    step = max(1, round(sigma / 2))
    left = sqrt(max(sigma**2 - (step**2 - 1) / 4, 0.01)) / step
    half = [exp(-0.5 * (k / left) ** 2) for k in range(ceil(3.5 * left) + 1)]
    total = half[0] + 2 * sum(half[1:])
    return step, np.array([weight / total for weight in half], np.float32)
