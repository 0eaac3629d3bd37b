"""The layers' loop over pixels, compiled by numba: no GIL held, no thread started."""

import numpy as np
from numba import types

from gpu_worker.media.picture.resample_kernels import Array, kernel

_PLANES = (types.uint8[:, ::1], types.uint16[:, ::1])
_COVER = types.uint16[:, ::1]
_I64, _F64 = types.int64, types.float64


@kernel(*((plane, _I64, _I64, _COVER, _COVER, _F64, _F64) for plane in _PLANES))
def blend(
    samples: Array,
    top: int,
    left: int,
    colour: Array,
    alpha: Array,
    opacity: float,
    peak: float,
) -> None:
    """Lay a part of a plane over it, in place: `samples` − `alpha`·`samples` + `colour`.

    `colour` and `alpha` are 16 bits, of one shape, and lie from (`top`, `left`) on; 65535 is
    `peak` of the one and all of the other. `colour` is times `alpha` already; both are taken
    times `opacity`. Rounded once.
    """
    most = np.float32(peak)
    part = np.float32(opacity / 65535.0)
    scale = np.float32(opacity * peak / 65535.0)
    half = np.float32(0.5)
    line = np.empty(colour.shape[1], np.float32)
    for r in range(colour.shape[0]):
        row = samples[top + r, left : left + line.shape[0]]
        colours = colour[r]
        alphas = alpha[r]
        for j in range(line.shape[0]):
            value = np.float32(row[j])
            line[j] = value + scale * np.float32(colours[j])
            line[j] -= part * np.float32(alphas[j]) * value
        # A loop of its own, which packs well; see `resample_kernels._filter_down`.
        for j in range(line.shape[0]):
            row[j] = np.int32(min(max(line[j] + half, np.float32(0.0)), most))
