"""The resampler's loops over pixels, compiled by numba: no GIL held, no thread started.

Nothing here knows what a video is. Planes are 2-D arrays of 8- or 16-bit samples and may
be views turned or mirrored; positions are in samples, the centre of sample *i* at *i* + 0.5.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit, types

Array = npt.NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])

LOBES = 3  # Lanczos3
STRIP = 128  # output columns at a time: the half-done strip stays in the core's L2
BLOCK = 64  # source rows at a time: the turned block stays in L1


# Samples are read through views of any strides: one layout, so that one machine code serves
# upright, turned and padded planes.
SAMPLES = tuple(
    types.Array(kind, 2, "A", readonly=True) for kind in (types.uint8, types.uint16)
)
STARTS, FLOATS = types.int32[::1], types.float32[:, ::1]
LEVELS = types.UniTuple(types.float64, 2)


def inlined(function: F) -> F:
    """A part of a kernel, compiled with it. Sums may be reordered."""
    made: F = njit(nogil=True, fastmath=True, boundscheck=False)(function)
    return made


def kernel(*signatures: Any) -> Callable[[F], F]:
    """A kernel for these types and no others, compiled on import or loaded from the cache.

    The cache is NUMBA_CACHE_DIR. Types are closed because a video's padding or rotation would
    otherwise make another variant, to be compiled in the middle of a job.
    """
    made: Callable[[F], F] = njit(
        list(signatures), nogil=True, cache=True, fastmath=True, boundscheck=False
    )
    return made


@kernel((types.float64, types.float64, types.int64, types.int64, STARTS, types.float64[:, ::1]))
def lanczos_taps(
    origin: float, step: float, size: int, taps: int, starts: Array, weights: Array
) -> None:
    """Fill where each output sample of one axis begins to read, and what it weighs.

    Output sample *u* lies at `origin + (u + 0.5)·step` of a source of `size` samples. Below
    the edges the source's edge sample goes on: what would be read there is added to its
    weight. When shrinking the kernel is wider by `step`, so that nothing aliases. `starts`:
    (outputs,) int32; `weights`: (outputs, at least `taps`) float64, each row's sum is 1,
    columns past `taps` are 0; `taps` ≥ 2·3·max(step, 1). `size` ≥ the columns of `weights`.
    """
    wider = max(step, 1.0)
    width = weights.shape[1]
    # sin(πx) and sin(πx/3) go from tap to tap by the angle between them: four calls of sin
    # for an output sample instead of two for each tap, which took as long as the pixels.
    turn = math.pi / wider
    cos_1, sin_1 = math.cos(turn), math.sin(turn)
    cos_3, sin_3 = math.cos(turn / LOBES), math.sin(turn / LOBES)
    for u in range(starts.shape[0]):
        centre = origin + (u + 0.5) * step - 0.5
        first = math.floor(centre - LOBES * wider) + 1
        start = min(max(first, 0), size - width)
        starts[u] = start
        for t in range(width):
            weights[u, t] = 0.0
        x = (first - centre) / wider
        s_1, c_1 = math.sin(math.pi * x), math.cos(math.pi * x)
        s_3, c_3 = math.sin(math.pi * x / LOBES), math.cos(math.pi * x / LOBES)
        total = 0.0
        for k in range(first, first + taps):
            x = (k - centre) / wider
            weight = 0.0
            if abs(x) < 1e-6:
                weight = 1.0
            elif abs(x) < LOBES:
                weight = LOBES * s_1 * s_3 / (math.pi * math.pi * x * x)
            total += weight
            weights[u, min(max(k, 0), size - 1) - start] += weight
            s_1, c_1 = s_1 * cos_1 + c_1 * sin_1, c_1 * cos_1 - s_1 * sin_1
            s_3, c_3 = s_3 * cos_3 + c_3 * sin_3, c_3 * cos_3 - s_3 * sin_3
        for t in range(width):
            weights[u, t] /= total


@inlined
def _turn(source: Array, row: int, column: int, rows: int, block: Array) -> None:
    """Copy a block of the source so that each of its columns lies in a line."""
    for r in range(rows):
        for c in range(block.shape[0]):
            block[c, r] = np.float32(source[row + r, column + c])


@inlined
def _turn_back(turned: Array, width: int, half: Array) -> None:
    for r in range(half.shape[0]):
        target = half[r]
        for u in range(width):
            target[u] = turned[u, r]


@inlined
def _filter_turned(
    block: Array, starts: Array, weights: Array, width: int, turned: Array
) -> None:
    for u in range(width):
        base = starts[u] - starts[0]
        target = turned[u]
        _six(block, base, weights[u], target)
        for t in range(6, weights.shape[1], 3):
            _three_more(block, base + t, weights[u, t:], target)


@inlined
def _filter_down(
    half: Array,
    starts: Array,
    weights: Array,
    levels: tuple[float, float],
    line: Array,
    out: Array,
) -> None:
    added, top = np.float32(levels[0]), np.float32(levels[1])
    for v in range(starts.shape[0]):
        base = starts[v] - starts[0]
        _six(half, base, weights[v], line)
        for t in range(6, weights.shape[1], 3):
            _three_more(half, base + t, weights[v, t:], line)
        target = out[v]
        # A loop of its own: fused with the sums above, LLVM gives up packing to bytes, and
        # the pass takes four times as long.
        for j in range(line.shape[0]):
            target[j] = np.int32(min(max(line[j] + added, np.float32(0.0)), top))


@inlined
def _six(rows: Array, base: int, weights: Array, target: Array) -> None:
    w0, w1, w2 = weights[0], weights[1], weights[2]
    w3, w4, w5 = weights[3], weights[4], weights[5]
    r0, r1, r2 = rows[base], rows[base + 1], rows[base + 2]
    r3, r4, r5 = rows[base + 3], rows[base + 4], rows[base + 5]
    for j in range(target.shape[0]):
        target[j] = w0 * r0[j] + w1 * r1[j] + w2 * r2[j] + w3 * r3[j] + w4 * r4[j] + w5 * r5[j]


@inlined
def _three_more(rows: Array, base: int, weights: Array, target: Array) -> None:
    w0, w1, w2 = weights[0], weights[1], weights[2]
    r0, r1, r2 = rows[base], rows[base + 1], rows[base + 2]
    for j in range(target.shape[0]):
        target[j] += w0 * r0[j] + w1 * r1[j] + w2 * r2[j]


def work_size(across: Array, taps_across: int, rows: int) -> int:
    """How many floats `resample` works on, for starts and taps across and rows it reads."""
    widest = max(
        int(across[min(u + STRIP, len(across)) - 1] - across[u])
        for u in range(0, len(across), STRIP)
    )
    return rows * STRIP + (widest + taps_across) * BLOCK + STRIP * BLOCK + STRIP


_BYTES, _WORDS = types.uint8[:, ::1], types.uint16[:, ::1]


@kernel(
    *(
        (source, STARTS, FLOATS, STARTS, FLOATS, LEVELS, types.float32[::1], out)
        for source, out in ((SAMPLES[0], _BYTES), (SAMPLES[1], _BYTES), (SAMPLES[1], _WORDS))
    )
)
def resample(
    source: Array,
    across: Array,
    across_weights: Array,
    down: Array,
    down_weights: Array,
    levels: tuple[float, float],
    work: Array,
    out: Array,
) -> None:
    """Fill the first columns of `out` from `source`: along the rows, then down the columns.

    `source`: (rows, columns), any unsigned samples and strides; starts and float32 weights
    are those of `lanczos_taps`, their columns a multiple of 3 and at least 6; a factor on
    the scale of the samples is put into the weights. Between the passes samples are float32,
    so there is one rounding, at the end: `levels` are what is added to each sample, with the
    half that rounds, and the most it may be; the least is 0. `work`: `work_size` floats of
    any value, the caller's, since memory fresh from the system costs more than the sums do.
    `out`: (rows, at least len(across)).
    """
    first_row = down[0]
    rows = down[-1] + down_weights.shape[1] - first_row
    half = work[: rows * STRIP].reshape(rows, STRIP)
    work = work[rows * STRIP :]
    turned = work[: STRIP * BLOCK].reshape(STRIP, BLOCK)
    line, work = work[STRIP * BLOCK :][:STRIP], work[STRIP * BLOCK + STRIP :]
    for u in range(0, across.shape[0], STRIP):
        width = min(STRIP, across.shape[0] - u)
        first_column = across[u]
        columns = across[u + width - 1] + across_weights.shape[1] - first_column
        block = work[: columns * BLOCK].reshape(columns, BLOCK)
        for r in range(0, rows, BLOCK):
            height = min(BLOCK, rows - r)
            _turn(source, first_row + r, first_column, height, block)
            _filter_turned(block, across[u:], across_weights[u:], width, turned)
            _turn_back(turned, width, half[r : r + height])
        _filter_down(half, down, down_weights, levels, line[:width], out[:, u:])
