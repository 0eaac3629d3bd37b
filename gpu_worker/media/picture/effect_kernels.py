"""The effects' loops over pixels, compiled by numba: no GIL held, no thread started.

Planes are contiguous, are this process's own, and are changed in place. An ellipse is a row
(centre x, centre y, radius x, radius y, edge's width) in displayed pixels. `axes` is (x scale,
x shift, y scale, y shift): the centre of sample *i* of an axis lies at (i + 0.5 − shift)/scale.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import types

from gpu_worker.media.picture.resample_kernels import FLOATS, SAMPLES, Array, inlined, kernel

BLOCK = 32

PLANES = (types.uint8[:, ::1], types.uint16[:, ::1])
I64, F64 = types.int64, types.float64
AXES, ELLIPSES = types.float64[::1], types.float64[:, ::1]
BOX, CELL = types.UniTuple(I64, 4), types.UniTuple(I64, 2)


def empty(shape: tuple[int, int], dtype: npt.DTypeLike) -> Array:
    """A plane for the kernels to fill, where they can reach it."""
    return np.empty(shape, dtype)


def copy(source: Array, out: Array) -> None:
    """Copy a plane, whatever its strides: a turned one costs little more."""
    if source.strides[1] == source.itemsize:
        np.copyto(out, source)
    else:
        copy_turned(source, out)


@kernel(*zip(SAMPLES, PLANES, strict=True))
def copy_turned(source: Array, out: Array) -> None:
    """Copy a plane block by block, so that lines of the cache are read and written whole."""
    rows, columns = out.shape
    for top in range(0, rows, BLOCK):
        for left in range(0, columns, BLOCK):
            for r in range(top, min(top + BLOCK, rows)):
                for c in range(left, min(left + BLOCK, columns)):
                    out[r, c] = source[r, c]


@inlined
def _cover_span(
    ellipse: Array,
    axes: Array,
    row: int,
    column: int,
    ring_px: float,
    span: tuple[int, int],
    line: Array,
) -> None:
    """Raise `line` over a span to what one ellipse covers; see `Region.distance`."""
    centre_x, centre_y, radius_x, radius_y, edge_px = ellipse
    x_scale, x_shift, y_scale, y_shift = axes
    v = ((row + 0.5 - y_shift) / y_scale - centre_y) / radius_y
    v_steep = v / radius_y
    v_bend = v_steep / radius_y
    u_steep_per_u, u_per_x = 1.0 / radius_x, 1.0 / radius_x
    x_per_sample, share_per_px = 1.0 / x_scale, 1.0 / edge_px
    first_x = (column + 0.5 - x_shift) * x_per_sample - centre_x
    for j in range(span[0], span[1]):
        u = (first_x + j * x_per_sample) * u_per_x
        u_steep = u * u_steep_per_u
        u_bend = u_steep * u_steep_per_u
        slope = u_steep * u_steep + v_steep * v_steep
        beyond = u * u + v * v - 1.0
        bend = (u_bend * u_bend + v_bend * v_bend) / max(slope, 1e-300)
        away = beyond / (math.sqrt(slope) + math.sqrt(max(slope - bend * beyond, 1e-300)))
        if slope < 1e-300:
            away = -min(radius_x, radius_y)
        if ring_px > 0:
            away = abs(away) - ring_px / 2
        share = np.float32(min(max(0.5 - away * share_per_px, 0.0), 1.0))
        line[j] = max(line[j], share)


@inlined
def _nearest(place: float, samples: int) -> int:
    return int(min(max(place, 0.0), float(samples)))


@inlined
def cover_row(
    ellipses: Array, axes: Array, row: int, column: int, ring_px: float, line: Array
) -> None:
    """Fill `line` with how much of each sample is covered, 0 to 1, from `column` on.

    Covered by the union of the ellipses, or where `ring_px` > 0 by a ring so wide along
    each. Edges are as `shared.render.regions` has them. Only they are worked out: what lies
    beyond an edge lies between two ellipses like this one, as much larger and smaller as
    keeps the distance along the short radius, where they are nearest.
    """
    x_scale, x_shift, y_scale, y_shift = axes
    y = (row + 0.5 - y_shift) / y_scale
    line[:] = np.float32(0.0)
    for e in range(ellipses.shape[0]):
        centre_x, centre_y, radius_x, radius_y, edge_px = ellipses[e]
        beyond = (edge_px + ring_px) / 2 / min(radius_x, radius_y)
        v = (y - centre_y) / radius_y
        outer, inner = 1.0 + beyond, 1.0 - beyond
        if abs(v) >= outer:
            continue
        middle = centre_x * x_scale + x_shift - 0.5 - column
        reach = radius_x * math.sqrt(outer * outer - v * v) * x_scale
        first = _nearest(math.floor(middle - reach), line.shape[0])
        last = _nearest(math.ceil(middle + reach) + 1.0, line.shape[0])
        if abs(v) >= inner:
            _cover_span(ellipses[e], axes, row, column, ring_px, (first, last), line)
            continue
        core = radius_x * math.sqrt(inner * inner - v * v) * x_scale
        left = max(_nearest(math.ceil(middle - core), line.shape[0]), first)
        right = max(_nearest(math.floor(middle + core) + 1.0, line.shape[0]), left)
        _cover_span(ellipses[e], axes, row, column, ring_px, (first, left), line)
        _cover_span(ellipses[e], axes, row, column, ring_px, (right, last), line)
        if ring_px == 0:
            line[left:right] = np.float32(1.0)


@inlined
def _store(line: Array, row: Array, peak: float) -> None:
    # Apart from the sums, so that each loop packs well; see `kernels._filter_down`.
    for j in range(line.shape[0]):
        value = min(max(line[j] + np.float32(0.5), np.float32(0.0)), np.float32(peak))
        row[j] = np.int32(value)


@kernel(*((plane, BOX, AXES, ELLIPSES, F64, types.boolean, F64, F64, F64) for plane in PLANES))
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
    """Mix the samples of a box (top, bottom, left, right) towards one value.

    By `strength` times what is covered, or what is not; a negative strength moves away from
    the value. Rounded and held to 0 … `peak`.
    """
    top, bottom, left, right = box
    line = np.empty(right - left, np.float32)
    towards, part = np.float32(target), np.float32(strength)
    none, sign = np.float32(1.0 if outside else 0.0), np.float32(-1.0 if outside else 1.0)
    for r in range(top, bottom):
        cover_row(ellipses, axes, r, left, ring_px, line)
        row = samples[r, left:right]
        for j in range(line.shape[0]):
            value = np.float32(row[j])
            share = (none + sign * line[j]) * part
            line[j] = value + (towards - value) * share
        _store(line, row, peak)


@kernel(*((plane, FLOATS, I64, I64, AXES, ELLIPSES, F64, F64) for plane in PLANES))
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
    """Mix a plane towards its blurred self by `strength` times what is not covered.

    `soft`: (small rows, columns), float32, one row for `step` rows of the plane, the first
    `border` of them above it; between rows it is linear.
    """
    rows, columns = samples.shape
    line = np.empty(columns, np.float32)
    for r in range(rows):
        cover_row(ellipses, axes, r, 0, 0.0, line)
        at = min(max((r + 0.5) / step - 0.5 + border, 0.0), soft.shape[0] - 1.0)
        upper = int(at)
        lower = min(upper + 1, soft.shape[0] - 1)
        part = np.float32(at - upper)
        above, below, row = soft[upper], soft[lower], samples[r]
        for j in range(columns):
            value = np.float32(row[j])
            blurred = above[j] + (below[j] - above[j]) * part
            share = (np.float32(1.0) - line[j]) * np.float32(strength)
            line[j] = value + (blurred - value) * share
        _store(line, row, peak)


@kernel(*((plane, I64, I64, I64, FLOATS) for plane in PLANES))
def shrink(samples: Array, step_x: int, step_y: int, border: int, out: Array) -> None:
    """Fill `out` with the means of boxes of the plane, begun `border` boxes outside it.

    Outside, the plane's edge samples go on.
    """
    rows, columns = samples.shape
    line = np.empty(columns, np.float32)
    share = np.float32(1.0 / (step_x * step_y))
    for r in range(out.shape[0]):
        line[:] = np.float32(0.0)
        for k in range(step_y):
            row = samples[min(max((r - border) * step_y + k, 0), rows - 1)]
            for j in range(columns):
                line[j] += np.float32(row[j])
        target = out[r]
        for c in range(out.shape[1]):
            total = np.float32(0.0)
            for k in range(step_x):
                total += line[min(max((c - border) * step_x + k, 0), columns - 1)]
            target[c] = total * share


@kernel((FLOATS, FLOATS, types.float32[::1], types.float32[::1]))
def smooth(plane: Array, half: Array, weights_x: Array, weights_y: Array) -> None:
    """Filter a float32 plane in place along both axes, by the right halves of even kernels.

    `half` is as large, and worked on.
    """
    rows, columns = plane.shape
    reach = weights_y.shape[0] - 1
    for r in range(rows):
        target, middle = half[r], plane[r]
        for j in range(columns):
            target[j] = weights_y[0] * middle[j]
        for k in range(1, reach + 1):
            above, below = plane[max(r - k, 0)], plane[min(r + k, rows - 1)]
            weight = weights_y[k]
            for j in range(columns):
                target[j] += weight * (above[j] + below[j])
    reach = weights_x.shape[0] - 1
    line = np.empty(columns + 2 * reach, np.float32)
    for r in range(rows):
        source, target = half[r], plane[r]
        line[:reach] = source[0]
        line[reach + columns :] = source[columns - 1]
        line[reach : reach + columns] = source
        for j in range(columns):
            target[j] = weights_x[0] * source[j]
        for k in range(1, reach + 1):
            weight = weights_x[k]
            before, after = line[reach - k :], line[reach + k :]
            for j in range(columns):
                target[j] += weight * (before[j] + after[j])


@kernel((FLOATS, I64, I64, FLOATS))
def stretch_rows(small: Array, step: int, border: int, out: Array) -> None:
    """Fill the rows of `out` from those of `small`, `step` samples for each, linear between.

    The first `border` samples of a row lie before the first of `out`.
    """
    last = small.shape[1] - 1
    columns = out.shape[1]
    lefts, rights = np.empty(columns, np.int32), np.empty(columns, np.int32)
    parts = np.empty(columns, np.float32)
    for c in range(columns):
        at = min(max((c + 0.5) / step - 0.5 + border, 0.0), float(last))
        lefts[c] = int(at)
        rights[c] = min(lefts[c] + 1, last)
        parts[c] = np.float32(at - lefts[c])
    for r in range(out.shape[0]):
        source, target = small[r], out[r]
        for c in range(columns):
            left = source[lefts[c]]
            target[c] = left + (source[rights[c]] - left) * parts[c]


@inlined
def _first_and_past(cover: Array) -> tuple[int, int]:
    """The samples from the first to past the last that is covered."""
    first, past = 0, cover.shape[0]
    while first < past and cover[first] <= 0:
        first += 1
    while past > first and cover[past - 1] <= 0:
        past -= 1
    return first, past


@inlined
def _brightened(
    y: float, cb: float, cr: float, factor: float, colour: Array
) -> tuple[int, int, int]:
    weight_r, weight_b, black, span, middle, chroma_span, peak = colour
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


@kernel(
    *(
        (plane, plane, plane, CELL, AXES, AXES, ELLIPSES, F64, types.float64[::1])
        for plane in PLANES
    )
)
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
    """Multiply red, green and blue by 1 + `strength` · covered, each clipped at white.

    Scaling Y, Cb and Cr alike is the same while nothing clips; where it would, the colour is
    taken apart, clipped, and put together again. `cell`: luma samples across and down for
    one of chroma. `colour`: red's and blue's weight in luma, black, luma span, chroma middle,
    chroma span, peak. Luma looks at the chroma of its cell as it was.
    """
    across, down = cell
    rows, columns = y.shape
    cover = np.empty(columns, np.float32)
    chroma_cover = np.empty(cb.shape[1], np.float32)
    means = np.empty(cb.shape[1], np.float64)
    for i in range(cb.shape[0]):
        cover_row(ellipses, chroma_axes, i, 0, 0.0, chroma_cover)
        top, bottom = i * down, min(i * down + down, rows)
        first, past = _first_and_past(chroma_cover)
        means[:] = 0.0
        for r in range(top, bottom):
            cover_row(ellipses, axes, r, 0, 0.0, cover)
            left, right = _first_and_past(cover)
            begin, end = min(first, left // across), max(past, (right - 1) // across + 1)
            for j in range(begin, min(end, cb.shape[1])):
                left, right = j * across, min(j * across + across, columns)
                for c in range(left, right):
                    means[j] += y[r, c] / ((right - left) * (bottom - top))
                    if cover[c] > 0:
                        factor = 1.0 + strength * cover[c]
                        y[r, c] = _brightened(y[r, c], cb[i, j], cr[i, j], factor, colour)[0]
        for j in range(first, past):
            if chroma_cover[j] > 0:
                factor = 1.0 + strength * chroma_cover[j]
                _, blue, red = _brightened(means[j], cb[i, j], cr[i, j], factor, colour)
                cb[i, j], cr[i, j] = blue, red
