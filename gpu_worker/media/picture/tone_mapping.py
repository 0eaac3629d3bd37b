"""HDR video as people see it on an ordinary screen: PQ and HLG to BT.709.

What is stored is brought to light as displayed, in cd/m²; its range is compressed to that of
a screen whose white is the diffuse white of HDR; its colours are brought to those the screen
has; and what comes out is coded for it again. Each frame by itself, so threads may share this.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gpu_worker.media.picture.colour import BT709, HLG, LIMITED, PQ, Colours
from gpu_worker.media.picture.planes import Array, Plane

SDR = Colours(BT709, BT709, BT709, LIMITED)
OUTPUT_BITS = 10

WHITE_NITS = 203.0  # diffuse white of HDR, ITU-R BT.2408, 2.1; here white of the output
_HLG_PEAK_NITS = 1000.0  # of the display that BT.2100 defines HLG's system gamma of 1.2 for
_USUAL_PEAK_NITS = 1000.0  # where a file does not say
_PQ_PEAK_NITS = 10_000.0
_SDR_GAMMA = 2.4  # ITU-R BT.1886, with a black of 0
_ENTRIES = 16_384  # of each table: a step is a sixteenth of a 10-bit code

# CIE x, y of red, green, blue by H.273 table 2; all with the white of D65. The others that
# HDR could be tagged with are so near to BT.709 that they are taken for it.
_PRIMARIES = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_D65 = (0.3127, 0.3290)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ToneMap:
    """How the HDR samples of one video become SDR ones.

    `stored` is what its samples mean, `peak_nits` the brightest light in it, as it states.
    """

    stored: Colours
    peak_nits: float

    @classmethod
    def of(cls, stored: Colours, max_cll_nits: float, mastered_nits: float) -> "ToneMap | None":
        """What these tags ask for; None for SDR.

        The brightest pixel (MaxCLL) tells the range best, then the mastering display's peak;
        0 where the file does not say.
        """
        if stored.transfer not in (PQ, HLG):
            return None
        stated = max_cll_nits or mastered_nits or _USUAL_PEAK_NITS
        nits = _HLG_PEAK_NITS if stored.transfer == HLG else stated
        return cls(stored, min(max(nits, WHITE_NITS), _PQ_PEAK_NITS))


@dataclass(frozen=True, slots=True)
class Tables:
    """What `tone_kernels.map_tones` reads, float32, each table over 0 … 1.

    `light`: stored signal to light, as a share of the peak. `gain`: what light is multiplied
    by, over the fourth root of its luminance; empty for PQ, whose light is a display's.
    `ratio`: from light to the output's, over the fourth root of the largest of red, green and
    blue. `signal`: over the root of the output's light. The others are matrices.
    """

    light: Array
    gain: Array
    ratio: Array
    signal: Array
    to_rgb: Array
    luminance: Array
    gamut: Array


def map_planes(
    planes: tuple[Plane, Plane, Plane], bits: int, tone_map: ToneMap
) -> tuple[Plane, Plane, Plane]:
    """Planes of their own, of `OUTPUT_BITS`, in limited BT.709, each as large as it was.

    Pixels that share a chroma sample are mapped with it, and share the mean of what came out.
    """
    # Imported here: without numba SDR video can still be read.
    from gpu_worker.media.picture import tone_kernels

    y, cb, cr = (plane.samples.astype(np.uint16, copy=False) for plane in planes)
    made = [np.empty(each.shape, np.uint16) for each in (y, cb, cr)]
    across, down = (
        (round(planes[0].x.scale / planes[1].x.scale)),
        round(planes[0].y.scale / planes[1].y.scale),
    )
    tables = tables_of(tone_map)
    tone_kernels.map_tones(
        (y, cb, cr),
        (across, down),
        _scales(tone_map.stored, bits),
        (tables.light, tables.gain, tables.ratio, tables.signal),
        (tables.to_rgb, tables.luminance, tables.gamut),
        (made[0], made[1], made[2]),
    )
    a, b, c = (
        Plane(samples, plane.x, plane.y) for samples, plane in zip(made, planes, strict=True)
    )
    return a, b, c


def _scales(stored: Colours, bits: int) -> Array:
    """Code of black, then luma and chroma for each code, and the code of no colour."""
    black, luma_span, chroma_span = stored.spans
    unit = ((1 << bits) - 1) / 255 if stored.full else float(1 << (bits - 8))
    middle = 1 << (bits - 1)
    numbers = (black * unit, 1 / (luma_span * unit), middle, 1 / (chroma_span * unit))
    return np.array(numbers, np.float32)


@lru_cache(maxsize=4)
def tables_of(tone_map: ToneMap) -> Tables:
    """The tables of a map, computed once in double precision."""
    steps = np.linspace(0, 1, _ENTRIES)
    hlg = tone_map.stored.transfer == HLG
    light = hlg_scene_light(steps) if hlg else pq_nits(steps) / tone_map.peak_nits
    gain = steps ** (4 * 0.2) if hlg else np.empty(0)
    nits = np.maximum(steps**4 * tone_map.peak_nits, 1e-6)
    ratio = compressed_nits(nits, tone_map.peak_nits) / nits * tone_map.peak_nits / WHITE_NITS
    red, green, blue = tone_map.stored.luma_weights
    cr, cb = 2 - 2 * red, 2 - 2 * blue
    to_rgb = [cr, -cb * blue / green, -cr * red / green, cb]
    from_primaries = _PRIMARIES.get(tone_map.stored.primaries, _PRIMARIES[BT709])
    to_xyz = _to_xyz(from_primaries)
    from_xyz = np.linalg.inv(_to_xyz(_PRIMARIES[BT709]))
    return Tables(
        light=np.minimum(light, 1).astype(np.float32),
        gain=gain.astype(np.float32),
        ratio=ratio.astype(np.float32),
        signal=(steps ** (2 / _SDR_GAMMA)).astype(np.float32),
        to_rgb=np.array(to_rgb, np.float32),
        luminance=to_xyz[1].astype(np.float32),
        gamut=np.ascontiguousarray(from_xyz @ to_xyz, np.float32),
    )


def pq_nits(signal: Floats) -> Floats:
    """Light of a PQ signal, in cd/m²: ITU-R BT.2100-2, table 4, EOTF."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = signal ** (1 / m2)
    return _PQ_PEAK_NITS * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)


def pq_signal(nits: Floats) -> Floats:
    """The way back."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = (nits / _PQ_PEAK_NITS) ** m1
    return ((c1 + c2 * root) / (1 + c3 * root)) ** m2


def hlg_scene_light(signal: Floats) -> Floats:
    """Scene light of an HLG signal, 0 to 1: BT.2100-2, table 5, inverse OETF.

    The display's light is this times its luminance to the power of 0.2 times the peak: the
    OOTF of the same table, for a peak of 1000 cd/m².
    """
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def compressed_nits(nits: Floats, peak_nits: float) -> Floats:
    """Light brought from a peak down to white: the EETF of ITU-R BT.2390-10, 5.4.1.

    Below a knee nothing changes; above it a Hermite spline in PQ's signal leads to white. The
    black level is 0 on both sides, so the formula's lift of the blacks falls away.
    """
    peak, white = pq_signal(np.array([peak_nits, WHITE_NITS]))
    if peak <= white:
        return np.minimum(nits, WHITE_NITS)
    signal = np.minimum(pq_signal(nits) / peak, 1)
    highest = white / peak
    knee = 1.5 * highest - 0.5
    t = np.maximum(signal - knee, 0) / (1 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (3 * t**2 - 2 * t**3) * highest
    )
    return pq_nits(np.where(signal < knee, signal, spline) * peak)


def _to_xyz(primaries: tuple[tuple[float, float], ...]) -> Floats:
    """Linear R, G, B to X, Y, Z: SMPTE RP 177, 3.3."""
    ends = np.array([_xyz(*each) for each in primaries]).T
    made: Floats = ends * np.linalg.solve(ends, _xyz(*_D65))
    return made


def _xyz(x: float, y: float) -> Floats:
    return np.array((x / y, 1.0, (1 - x - y) / y))
