"""HDR to SDR by the standards' formulas in double precision, without tables."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PQ, HLG = 16, 18
# BT.2087-0, 4, with more digits: linear BT.2020 to linear BT.709.
TO_709 = np.array(
    [
        [1.660491, -0.587641, -0.072850],
        [-0.124550, 1.132900, -0.008349],
        [-0.018151, -0.100579, 1.118730],
    ]
)
WHITE = 203.0


def pq_to_nits(signal: Array) -> Array:
    root = signal ** (32 / 2523)
    return 10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (
        16384 / 2610
    )


def nits_to_pq(nits: Array) -> Array:
    root = (np.asarray(nits) / 10_000) ** (2610 / 16384)
    return ((0.8359375 + 18.8515625 * root) / (1 + 18.6875 * root)) ** (2523 / 32)


def eetf(nits: Array, peak: float) -> Array:
    """BT.2390-10, 5.4.1, from a peak to `WHITE`, both blacks 0."""
    top = nits_to_pq(peak)
    e1, most = nits_to_pq(nits) / top, nits_to_pq(WHITE) / top
    ks = 1.5 * most - 0.5
    t = (e1 - ks) / (1 - ks)
    p = (
        (2 * t**3 - 3 * t**2 + 1) * ks
        + (t**3 - 2 * t**2 + t) * (1 - ks)
        + (-2 * t**3 + 3 * t**2) * most
    )
    return pq_to_nits(np.where(e1 < ks, e1, p) * top)


def hlg_to_nits(signal: Array) -> Array:
    """BT.2100-2, table 5, for a display of 1000 cd/m²; red, green, blue along the last axis."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luminance = scene @ np.array((0.2627, 0.6780, 0.0593))
    return 1000 * scene * (luminance**0.2)[..., None]


def mapped_rgb(signal: Array, transfer: int, peak: float) -> Array:
    """R', G', B' of BT.709, 0 to 1, of an HDR signal 0 to 1, along the last axis."""
    signal = np.clip(signal, 0, 1)
    nits = pq_to_nits(signal) if transfer == PQ else hlg_to_nits(signal)
    nits = np.minimum(nits, peak)
    most = np.maximum(nits.max(-1, keepdims=True), 1e-9)
    light = nits * eetf(most, peak) / most / WHITE
    return np.clip(light @ TO_709.T, 0, 1) ** (1 / 2.4)
