"""The resampler's and the effects' loops over pixels, on the device, by numba's CUDA target.

The twin of `picture.resample_kernels` and `picture.effect_kernels`: the same formulas, in
float32 where those are, so that pictures differ by a rounding here and there at most. Each
thread walks over samples a grid apart, so that any grid is right; which one is fast is the
caller's to say. Import it where a device may be used, never in a process that forks later.

A source is read as `data[offset + row·row_step + column·column_step]`: one machine code for
padded, interleaved, turned and mirrored planes.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import cuda

from gpu_worker.media.picture.planes import Array

F = TypeVar("F", bound=Callable[..., Any])
Steps = tuple[int, int, int]  # offset, row step, column step, in samples


def kernel(function: F) -> F:
    """Code the host starts; kept in NUMBA_CACHE_DIR once compiled. Sums may be reordered."""
    made: F = cuda.jit(fastmath=True, cache=True)(function)
    return made


def inlined(function: F) -> F:
    """A part of a kernel, compiled with it."""
    made: F = cuda.jit(device=True, fastmath=True)(function)
    return made


@kernel
def filter_across(
    data: Array,
    steps: Steps,
    columns: int,
    first_row: int,
    starts: Array,
    weights: Array,
    half: Array,
) -> None:
    """Fill `half` (rows, outputs) float32 from the rows of a plane from `first_row` on.

    Starts and weights are those of `lanczos_taps`. Past the last column its sample goes on.
    """
    offset, row_step, column_step = steps
    first_u, first_r = cuda.grid(2)
    stride_u, stride_r = cuda.gridsize(2)
    for r in range(first_r, half.shape[0], stride_r):
        line = offset + (first_row + r) * row_step
        for u in range(first_u, half.shape[1], stride_u):
            total = np.float32(0.0)
            for t in range(weights.shape[1]):
                column = min(starts[u] + t, columns - 1)
                total += weights[u, t] * np.float32(data[line + column * column_step])
            half[r, u] = total


@kernel
def filter_down(
    half: Array,
    first_row: int,
    starts: Array,
    weights: Array,
    bias: float,
    top: float,
    out: Array,
) -> None:
    """Fill `out` (outputs, columns) from `half` plus `bias`, held to 0 … `top`; no rounding.

    Row 0 of `half` is the plane's row `first_row`; past its last row that goes on.
    """
    first_u, first_v = cuda.grid(2)
    stride_u, stride_v = cuda.gridsize(2)
    last = half.shape[0] - 1
    for v in range(first_v, out.shape[0], stride_v):
        base = starts[v] - first_row
        for u in range(first_u, out.shape[1], stride_u):
            total = np.float32(bias)
            for t in range(weights.shape[1]):
                total += weights[v, t] * half[min(base + t, last), u]
            value = min(max(total, np.float32(0.0)), np.float32(top))
            out[v, u] = int(value)


@kernel
def copy(data: Array, steps: Steps, shift: int, out: Array) -> None:
    """Copy a plane, its samples shifted down: P010 keeps its 10 bits on top of 16."""
    offset, row_step, column_step = steps
    first_c, first_r = cuda.grid(2)
    stride_c, stride_r = cuda.gridsize(2)
    for r in range(first_r, out.shape[0], stride_r):
        for c in range(first_c, out.shape[1], stride_c):
            out[r, c] = data[offset + r * row_step + c * column_step] >> shift


@inlined
def covered(ellipses: Array, axes: Array, row: int, column: int, ring_px: float) -> Any:
    """How much of one sample is covered, 0 to 1; see `effect_kernels.cover_row`."""
    x = (column + 0.5 - axes[1]) / axes[0]
    y = (row + 0.5 - axes[3]) / axes[2]
    most: Any = np.float32(0.0)
    for e in range(ellipses.shape[0]):
        radius_x, radius_y = ellipses[e, 2], ellipses[e, 3]
        edge_px = ellipses[e, 4]
        u, v = (x - ellipses[e, 0]) / radius_x, (y - ellipses[e, 1]) / radius_y
        u_steep, v_steep = u / radius_x, v / radius_y
        u_bend, v_bend = u_steep / radius_x, v_steep / radius_y
        slope = u_steep * u_steep + v_steep * v_steep
        away = -min(radius_x, radius_y)
        if slope > 0:
            beyond = u * u + v * v - 1.0
            bend = (u_bend * u_bend + v_bend * v_bend) / slope
            away = beyond / (math.sqrt(slope) + math.sqrt(max(slope - bend * beyond, 0.0)))
        if ring_px > 0:
            away = abs(away) - ring_px / 2
        most = max(most, np.float32(min(max(0.5 - away / edge_px, 0.0), 1.0)))
    return most


@inlined
def rounded(value: Any, peak: float) -> int:
    """The nearest sample, held to 0 … `peak`."""
    return int(min(max(value + np.float32(0.5), np.float32(0.0)), np.float32(peak)))


@kernel
def blend_flat(
    samples: Array,
    box: tuple[int, int, int, int],
    axes: Array,
    ellipses: Array,
    ring_px: float,
    outside: bool,
    strength: float,
    target: float,
    peak: float,
) -> None:
    """As `effect_kernels.blend_flat`: mix a box towards a value by what is covered, or not."""
    top, bottom, left, right = box
    first_c, first_r = cuda.grid(2)
    stride_c, stride_r = cuda.gridsize(2)
    for r in range(top + first_r, bottom, stride_r):
        for c in range(left + first_c, right, stride_c):
            share = covered(ellipses, axes, r, c, ring_px)
            if outside:
                share = np.float32(1.0) - share
            value = np.float32(samples[r, c])
            mixed = value + (np.float32(target) - value) * np.float32(strength) * share
            samples[r, c] = rounded(mixed, peak)


@kernel
def blend_soft(
    samples: Array,
    soft: Array,
    step: int,
    border: int,
    axes: Array,
    ellipses: Array,
    strength: float,
    peak: float,
) -> None:
    """As `effect_kernels.blend_soft`: mix towards the blurred plane by what is not covered."""
    first_c, first_r = cuda.grid(2)
    stride_c, stride_r = cuda.gridsize(2)
    last = soft.shape[0] - 1
    for r in range(first_r, samples.shape[0], stride_r):
        at = min(max((r + 0.5) / step - 0.5 + border, 0.0), float(last))
        upper = int(at)
        lower = min(upper + 1, last)
        part = np.float32(at - upper)
        for c in range(first_c, samples.shape[1], stride_c):
            value = np.float32(samples[r, c])
            blurred = soft[upper, c] + (soft[lower, c] - soft[upper, c]) * part
            share = np.float32(1.0) - covered(ellipses, axes, r, c, 0.0)
            mixed = value + (blurred - value) * share * np.float32(strength)
            samples[r, c] = rounded(mixed, peak)


@kernel
def shrink(samples: Array, step_x: int, step_y: int, border: int, out: Array) -> None:
    """As `effect_kernels.shrink`: means of boxes, begun `border` boxes outside the plane."""
    first_c, first_r = cuda.grid(2)
    stride_c, stride_r = cuda.gridsize(2)
    rows, columns = samples.shape
    share = np.float32(1.0 / (step_x * step_y))
    for r in range(first_r, out.shape[0], stride_r):
        for c in range(first_c, out.shape[1], stride_c):
            total = np.float32(0.0)
            for j in range(step_y):
                row = min(max((r - border) * step_y + j, 0), rows - 1)
                for k in range(step_x):
                    column = min(max((c - border) * step_x + k, 0), columns - 1)
                    total += np.float32(samples[row, column])
            out[r, c] = total * share


@kernel
def smooth_down(plane: Array, weights: Array, out: Array) -> None:
    """Filter the columns of a float32 plane by the right half of an even kernel."""
    first_c, first_r = cuda.grid(2)
    stride_c, stride_r = cuda.gridsize(2)
    last = plane.shape[0] - 1
    for r in range(first_r, out.shape[0], stride_r):
        for c in range(first_c, out.shape[1], stride_c):
            total = weights[0] * plane[r, c]
            for k in range(1, weights.shape[0]):
                total += weights[k] * (plane[max(r - k, 0), c] + plane[min(r + k, last), c])
            out[r, c] = total


@kernel
def smooth_across(plane: Array, weights: Array, out: Array) -> None:
    """Filter the rows of a float32 plane by the right half of an even kernel."""
    first_c, first_r = cuda.grid(2)
    stride_c, stride_r = cuda.gridsize(2)
    last = plane.shape[1] - 1
    for r in range(first_r, out.shape[0], stride_r):
        for c in range(first_c, out.shape[1], stride_c):
            total = weights[0] * plane[r, c]
            for k in range(1, weights.shape[0]):
                total += weights[k] * (plane[r, max(c - k, 0)] + plane[r, min(c + k, last)])
            out[r, c] = total


@kernel
def stretch_rows(small: Array, step: int, border: int, out: Array) -> None:
    """As `effect_kernels.stretch_rows`: each row `step` times as long, linear between."""
    first_c, first_r = cuda.grid(2)
    stride_c, stride_r = cuda.gridsize(2)
    last = small.shape[1] - 1
    for c in range(first_c, out.shape[1], stride_c):
        at = min(max((c + 0.5) / step - 0.5 + border, 0.0), float(last))
        left = int(at)
        right = min(left + 1, last)
        part = np.float32(at - left)
        for r in range(first_r, out.shape[0], stride_r):
            out[r, c] = small[r, left] + (small[r, right] - small[r, left]) * part


@inlined
def brightened(
    y: float, cb: float, cr: float, factor: float, colour: Array
) -> tuple[int, int, int]:
    """As `effect_kernels._brightened`: one colour, multiplied, clipped, put together again."""
    weight_r, weight_b, black, span = colour[0], colour[1], colour[2], colour[3]
    middle, chroma_span, peak = colour[4], colour[5], colour[6]
    luma = (y - black) / span * factor
    blue = luma + (cb - middle) / chroma_span * (2.0 - 2.0 * weight_b) * factor
    red = luma + (cr - middle) / chroma_span * (2.0 - 2.0 * weight_r) * factor
    weight_g = 1.0 - weight_r - weight_b
    green = (luma - weight_r * red - weight_b * blue) / weight_g
    red, green, blue = min(red, 1.0), min(green, 1.0), min(blue, 1.0)
    luma = weight_r * red + weight_g * green + weight_b * blue
    made_y = black + luma * span
    made_cb = middle + (blue - luma) / (2.0 - 2.0 * weight_b) * chroma_span
    made_cr = middle + (red - luma) / (2.0 - 2.0 * weight_r) * chroma_span
    return (
        int(min(max(made_y + 0.5, 0.0), peak)),
        int(min(max(made_cb + 0.5, 0.0), peak)),
        int(min(max(made_cr + 0.5, 0.0), peak)),
    )


@kernel
def brighten(
    y: Array,
    cb: Array,
    cr: Array,
    cell: tuple[int, int],
    axes: Array,
    chroma_axes: Array,
    ellipses: Array,
    strength: float,
    colour: Array,
) -> None:
    """As `effect_kernels.brighten`: a thread takes a sample of chroma and its luma."""
    across, down = cell
    first_j, first_i = cuda.grid(2)
    stride_j, stride_i = cuda.gridsize(2)
    for i in range(first_i, cb.shape[0], stride_i):
        top, bottom = i * down, min(i * down + down, y.shape[0])
        for j in range(first_j, cb.shape[1], stride_j):
            left, right = j * across, min(j * across + across, y.shape[1])
            mean = 0.0
            blue, red = float(cb[i, j]), float(cr[i, j])
            for r in range(top, bottom):
                for c in range(left, right):
                    luma = float(y[r, c])
                    mean += luma / ((right - left) * (bottom - top))
                    cover = covered(ellipses, axes, r, c, 0.0)
                    if cover > 0:
                        factor = 1.0 + strength * cover
                        y[r, c] = brightened(luma, blue, red, factor, colour)[0]
            cover = covered(ellipses, chroma_axes, i, j, 0.0)
            if cover > 0:
                factor = 1.0 + strength * cover
                made = brightened(mean, blue, red, factor, colour)
                cb[i, j], cr[i, j] = made[1], made[2]
