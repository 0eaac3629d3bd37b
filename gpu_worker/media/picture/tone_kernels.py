"""Tone mapping's loops over pixels, compiled by numba: no GIL held, no thread started.

Each loop runs along a whole row and either computes or reads a table, never both: so LLVM does
the computing for many pixels at once, and the whole takes a third of the time.
"""

import math

import numpy as np
from numba import types

from gpu_worker.media.picture.resample_kernels import Array, inlined, kernel

_SAMPLES = types.Array(types.uint16, 2, "A", readonly=True)
_OUT, _TABLE = types.uint16[:, ::1], types.float32[::1]
_PAIR = types.UniTuple(types.int64, 2)
_ZERO, _ONE, _HALF = np.float32(0.0), np.float32(1.0), np.float32(0.5)


@inlined
def _spread(line: Array, share: int, scales: Array, out: Array) -> None:
    """A row of chroma as differences of no unit, each for the pixels that share it."""
    for k in range(share):
        part = out[k::share]
        for c in range(part.shape[0]):
            part[c] = (np.float32(line[c]) - scales[2]) * scales[3]


@inlined
def _looked_up(table: Array, places: Array, out: Array) -> None:
    for u in range(out.shape[0]):
        out[u] = table[places[u]]


@inlined
def _lit(
    line: Array,
    scales: Array,
    table: Array,
    chroma: Array,
    to_rgb: Array,
    places: Array,
    rgb: Array,
) -> None:
    """A row's light, red, green and blue, by the table of stored signals."""
    last = np.float32(table.shape[0] - 1)
    blue, red = chroma[0], chroma[1]
    in_r, in_g, in_b = places[0], places[1], places[2]
    for u in range(line.shape[0]):
        luma = (np.float32(line[u]) - scales[0]) * scales[1]
        r = luma + to_rgb[0] * red[u]
        g = luma + to_rgb[1] * blue[u] + to_rgb[2] * red[u]
        b = luma + to_rgb[3] * blue[u]
        in_r[u] = np.int32(min(max(r * last + _HALF, _ZERO), last))
        in_g[u] = np.int32(min(max(g * last + _HALF, _ZERO), last))
        in_b[u] = np.int32(min(max(b * last + _HALF, _ZERO), last))
    for k in range(3):
        _looked_up(table, places[k], rgb[k])


@inlined
def _lifted(rgb: Array, luminance: Array, gain: Array, places: Array, factor: Array) -> None:
    """Multiply a row's light by what its luminance asks for."""
    last = np.float32(gain.shape[0] - 1)
    red, green, blue = rgb[0], rgb[1], rgb[2]
    place = places[0]
    for u in range(red.shape[0]):
        shown = luminance[0] * red[u] + luminance[1] * green[u] + luminance[2] * blue[u]
        place[u] = np.int32(min(math.sqrt(math.sqrt(shown)) * last + _HALF, last))
    _looked_up(gain, place, factor)
    for u in range(red.shape[0]):
        red[u], green[u], blue[u] = (
            red[u] * factor[u],
            green[u] * factor[u],
            blue[u] * factor[u],
        )


@inlined
def _compressed(rgb: Array, ratio: Array, places: Array, factor: Array) -> None:
    """Multiply a row's light by what the largest of red, green and blue asks for."""
    last = np.float32(ratio.shape[0] - 1)
    red, green, blue = rgb[0], rgb[1], rgb[2]
    place = places[0]
    for u in range(red.shape[0]):
        most = max(red[u], green[u], blue[u])
        place[u] = np.int32(min(math.sqrt(math.sqrt(most)) * last + _HALF, last))
    _looked_up(ratio, place, factor)
    for u in range(red.shape[0]):
        red[u], green[u], blue[u] = (
            red[u] * factor[u],
            green[u] * factor[u],
            blue[u] * factor[u],
        )


@inlined
def _coded(rgb: Array, gamut: Array, table: Array, places: Array) -> None:
    """Turn a row's light into the output's primaries and its signal."""
    last = np.float32(table.shape[0] - 1)
    red, green, blue = rgb[0], rgb[1], rgb[2]
    in_r, in_g, in_b = places[0], places[1], places[2]
    for u in range(red.shape[0]):
        r = gamut[0, 0] * red[u] + gamut[0, 1] * green[u] + gamut[0, 2] * blue[u]
        g = gamut[1, 0] * red[u] + gamut[1, 1] * green[u] + gamut[1, 2] * blue[u]
        b = gamut[2, 0] * red[u] + gamut[2, 1] * green[u] + gamut[2, 2] * blue[u]
        in_r[u] = np.int32(math.sqrt(min(max(r, _ZERO), _ONE)) * last + _HALF)
        in_g[u] = np.int32(math.sqrt(min(max(g, _ZERO), _ONE)) * last + _HALF)
        in_b[u] = np.int32(math.sqrt(min(max(b, _ZERO), _ONE)) * last + _HALF)
    for k in range(3):
        _looked_up(table, places[k], rgb[k])


@inlined
def _written(rgb: Array, out: Array, sums: Array) -> None:
    """A row's luma, in limited 10 bits, and its colour differences added to `sums`."""
    for u in range(rgb.shape[1]):
        r, g, b = rgb[0, u], rgb[1, u], rgb[2, u]
        luma = np.float32(0.2126) * r + np.float32(0.7152) * g + np.float32(0.0722) * b
        out[u] = np.uint16(np.int32(luma * np.float32(876.0) + np.float32(64.5)))
        sums[0, u] += b - luma
        sums[1, u] += r - luma


@inlined
def _shared(sums: Array, share: int, rows: int, scale: float, out: Array) -> None:
    """The means of what the pixels of each cell have, in limited 10 bits."""
    width = sums.shape[0]
    for c in range(out.shape[0]):
        total, first = _ZERO, c * share
        end = min(first + share, width)
        for u in range(first, end):
            total += sums[u]
        mean = total / np.float32(rows * (end - first))
        out[c] = np.uint16(np.int32(mean * np.float32(scale) + np.float32(512.5)))


@kernel(
    (
        types.UniTuple(_SAMPLES, 3),
        _PAIR,
        _TABLE,
        types.UniTuple(_TABLE, 4),
        types.Tuple((_TABLE, _TABLE, types.float32[:, ::1])),
        types.UniTuple(_OUT, 3),
    )
)
def map_tones(
    stored: tuple[Array, Array, Array],
    cell: tuple[int, int],
    scales: Array,
    tables: tuple[Array, Array, Array, Array],
    matrices: tuple[Array, Array, Array],
    out: tuple[Array, Array, Array],
) -> None:
    """Fill `out`, three planes as large as those of `stored`, with limited BT.709 in 10 bits.

    `cell` is how many pixels across and down share a chroma sample. `scales` are the code of
    black, luma a code, the code of no colour and chroma a code; tables and matrices are those
    of `tone_mapping.Tables`. An empty `gain` leaves the light as it is.
    """
    y, cb, cr = stored
    light, gain, ratio, signal = tables
    to_rgb, luminance, gamut = matrices
    width = y.shape[1]
    rgb = np.empty((3, width), np.float32)
    chroma = np.empty((2, width), np.float32)
    factor = np.empty(width, np.float32)
    places = np.empty((3, width), np.uint32)
    sums = np.empty((2, width), np.float32)
    for row in range(cb.shape[0]):
        _spread(cb[row], cell[0], scales, chroma[0])
        _spread(cr[row], cell[0], scales, chroma[1])
        sums[:] = _ZERO
        first, end = row * cell[1], min((row + 1) * cell[1], y.shape[0])
        for v in range(first, end):
            _lit(y[v], scales, light, chroma, to_rgb, places, rgb)
            if gain.shape[0] > 0:
                _lifted(rgb, luminance, gain, places, factor)
            _compressed(rgb, ratio, places, factor)
            _coded(rgb, gamut, signal, places)
            _written(rgb, out[0][v], sums)
        _shared(sums[0], cell[0], end - first, 896.0 / 1.8556, out[1][row])
        _shared(sums[1], cell[0], end - first, 896.0 / 1.5748, out[2][row])
