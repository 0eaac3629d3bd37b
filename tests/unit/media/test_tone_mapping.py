"""HDR to SDR against the standards' formulas in double precision, without tables."""

import numpy as np
import pytest

from gpu_worker.media.picture.colour import BT709, FULL, HLG, LIMITED, PQ, Colours
from gpu_worker.media.picture.planes import Array, Axis, Plane
from gpu_worker.media.picture.tone_mapping import SDR, ToneMap, map_planes
from tests.support.tone_oracle import mapped_rgb, nits_to_pq

BT2020 = 9
PQ_1000 = Colours(BT2020, BT2020, PQ, LIMITED)


def oracle(
    planes: list[Array], cell: tuple[int, int], transfer: int, peak: float
) -> list[Array]:
    """Limited 10-bit 2020 planes to limited 10-bit BT.709 ones, unrounded."""
    height, width = planes[0].shape
    luma = (planes[0] - 64.0) / 876
    cb, cr = (
        np.repeat(np.repeat((each - 512.0) / 896, cell[1], 0), cell[0], 1)[:height, :width]
        for each in planes[1:]
    )
    red, blue = luma + 1.4746 * cr, luma + 1.8814 * cb
    green = (luma - 0.2627 * red - 0.0593 * blue) / 0.6780
    made = mapped_rgb(np.stack((red, green, blue), -1), transfer, peak)
    y = made @ np.array((0.2126, 0.7152, 0.0722))
    differences = (made[..., 2] - y) / 1.8556, (made[..., 0] - y) / 1.5748
    return [64 + 876 * y, *(512 + 896 * _means(each, cell) for each in differences)]


def _means(plane: Array, cell: tuple[int, int]) -> Array:
    rows, columns = range(0, plane.shape[0], cell[1]), range(0, plane.shape[1], cell[0])
    return np.array(
        [[plane[r : r + cell[1], c : c + cell[0]].mean() for c in columns] for r in rows]
    )


def pictured(planes: list[Array], cell: tuple[int, int]) -> tuple[Plane, Plane, Plane]:
    across, down = Axis(1 / cell[0], 0), Axis(1 / cell[1], 0)
    whole = Axis(1, 0)
    y, cb, cr = planes
    return Plane(y, whole, whole), Plane(cb, across, down), Plane(cr, across, down)


def noise(cell: tuple[int, int], seed: int) -> list[Array]:
    """Every sort of colour, 41 × 27 pixels: the last cells of a row and column are cut."""
    chance = np.random.default_rng(seed)
    small = -(-27 // cell[1]), -(-41 // cell[0])
    return [
        chance.integers(64, 941, (27, 41)).astype(np.uint16),
        *(chance.integers(300, 725, small).astype(np.uint16) for _ in range(2)),
    ]


@pytest.mark.parametrize("cell", [(1, 1), (2, 1), (2, 2)], ids=["444", "422", "420"])
@pytest.mark.parametrize(
    ("transfer", "max_cll", "mastered", "peak"),
    [
        (PQ, 1000, 4000, 1000),
        (PQ, 0, 4000, 4000),
        (PQ, 0, 0, 1000),
        (PQ, 600, 0, 600),
        (HLG, 4000, 0, 1000),
    ],
    ids=["MaxCLL", "mastered", "unstated", "dim", "hlg"],
)
def test_planes_are_the_standards_formulas(
    cell: tuple[int, int], transfer: int, max_cll: float, mastered: float, peak: float
) -> None:
    planes = noise(cell, seed=transfer)
    tone_map = ToneMap.of(Colours(BT2020, BT2020, transfer, LIMITED), max_cll, mastered)
    assert tone_map is not None

    made = map_planes(pictured(planes, cell), 10, tone_map)

    for plane, wanted in zip(made, oracle(planes, cell, transfer, peak), strict=True):
        off = np.abs(plane.samples.astype(float) - wanted)
        assert off.max() <= 8.0  # of 1023, next to black, where the output's gamma is steep
        assert np.quantile(off, 0.98) <= 1.0
        assert np.sqrt((off**2).mean()) <= 0.5


def test_other_depths_and_ranges_say_the_same() -> None:
    tone_map = ToneMap.of(PQ_1000, 0, 0)
    full = ToneMap.of(Colours(BT2020, BT2020, PQ, FULL), 0, 0)
    assert tone_map is not None
    assert full is not None
    eight = [each // 4 for each in noise((2, 2), seed=5)]
    planes = pictured([each.astype(np.uint8) for each in eight], (2, 2))
    ten = pictured([each * 4 for each in eight], (2, 2))
    twelve = pictured([each * 16 for each in eight], (2, 2))
    stretched = pictured(
        [
            np.rint((eight[0] - 16.0) / 219 * 1023).clip(0, 1023).astype(np.uint16),
            *(
                np.rint(512 + (each - 128.0) / 224 * 1023).clip(0, 1023).astype(np.uint16)
                for each in eight[1:]
            ),
        ],
        (2, 2),
    )

    usual = map_planes(ten, 10, tone_map)

    for other in (map_planes(planes, 8, tone_map), map_planes(twelve, 12, tone_map)):
        for a, b in zip(usual, other, strict=True):
            assert np.abs(a.samples.astype(int) - b.samples).max() <= 1
    for a, b in zip(usual, map_planes(stretched, 10, full), strict=True):
        assert np.abs(a.samples.astype(int) - b.samples).mean() <= 1


def test_the_peak_becomes_white_and_diffuse_white_stays_near_it() -> None:
    tone_map = ToneMap.of(PQ_1000, 1000, 0)
    assert tone_map is not None
    levels = 64 + 876 * nits_to_pq(np.array([[0.0, 203.0, 1000.0, 4000.0]]))
    grey = np.full((1, 4), 512, np.uint16)
    planes = pictured([np.rint(levels).astype(np.uint16), grey, grey], (1, 1))

    y, cb, cr = map_planes(planes, 10, tone_map)

    black, white, peak, beyond = y.samples[0].tolist()
    assert (black, peak, beyond) == (64, 940, 940)
    assert 0.88 <= (white - 64) / 876 <= 0.92
    assert np.array_equal(cb.samples, grey)
    assert np.array_equal(cr.samples, grey)


def test_brighter_stays_brighter() -> None:
    tone_map = ToneMap.of(PQ_1000, 1000, 0)
    assert tone_map is not None
    ramp = np.arange(64, 941, dtype=np.uint16)[None]
    grey = np.full(ramp.shape, 512, np.uint16)

    y, _, _ = map_planes(pictured([ramp, grey, grey], (1, 1)), 10, tone_map)

    # A step of the tables may take back a quarter of an 8-bit level, and no more.
    steps = np.diff(y.samples[0].astype(int))
    assert steps.min() >= -1
    assert (np.diff(y.samples[0, ::8].astype(int)) >= 0).all()


def test_standard_video_has_no_tone_map_and_hdr_is_brought_to_bt709() -> None:
    assert ToneMap.of(Colours(BT2020, BT2020, 14, LIMITED), 1000, 0) is None
    assert Colours(BT709, BT709, BT709, LIMITED) == SDR
