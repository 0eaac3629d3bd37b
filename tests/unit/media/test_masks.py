"""What the kernels take an ellipse to cover, against its area in each pixel."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gpu_worker.media.picture.effect_kernels import cover_row
from gpu_worker.media.picture.masks import axes_of, box_of, ellipses_of
from gpu_worker.media.picture.planes import Axis, Plane, subsampled
from shared.render.regions import Region, covered

WIDTH, HEIGHT = 160, 120
FULL = Plane(np.zeros((HEIGHT, WIDTH), np.uint8), Axis(1, 0), Axis(1, 0))
CHROMA = Plane(
    np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8),
    subsampled(2, centred=False),
    subsampled(2, centred=True),
)
SHAPES = {
    "round": Region(0, 1, 80.3, 60.7, 40, 40),
    "flat": Region(0, 1, 70.5, 55.25, 60, 12),
    "tall": Region(0, 1, 33, 61, 9, 50.5),
    "small": Region(0, 1, 90.1, 40.9, 4, 5),
    "over the edge": Region(0, 1, 2, 118, 30, 20),
    "tiny": Region(0, 1, 90.1, 40.9, 2, 2.2),
}
THIN = {
    "long": Region(0, 1, 80.2, 60.3, 70, 3.5),
    "high": Region(0, 1, 100.2, 60.5, 2.5, 50),
    "its tip in a corner": Region(0, 1, 155, 118, 100, 5),
}
FEATHERED = {
    f"{name} {edge_px}": replace(region, edge_px=edge_px)
    for name, region in {**SHAPES, **THIN}.items()
    for edge_px in (3.0, 24.0)
}


def mask(regions: list[Region], plane: Plane, ring_px: float = 0.0) -> NDArray[Any]:
    rows, columns = plane.samples.shape
    made = np.empty((rows, columns), np.float32)
    for row in range(rows):
        cover_row(ellipses_of(regions), axes_of(plane), row, 0, ring_px, made[row])
    return made


def supersampled(region: Region, inner: float = 0.0) -> NDArray[Any]:
    """The share of each pixel's 8 × 8 points that lie inside the ellipse."""
    rows, columns = (np.mgrid[: HEIGHT * 8, : WIDTH * 8] + 0.5) / 8
    u = (columns - region.x) / region.radius_x
    v = (rows - region.y) / region.radius_y
    inside = u * u + v * v < 1
    return inside.reshape(HEIGHT, 8, WIDTH, 8).mean((1, 3))


@pytest.mark.parametrize("region", SHAPES.values(), ids=SHAPES.keys())
def test_the_mask_is_the_ellipse_s_share_of_each_pixel(region: Region) -> None:
    made, wanted = mask([region], FULL), supersampled(region)

    # 0.06 is what a linear edge differs from a share of area along a diagonal.
    assert np.abs(made - wanted).max() <= 0.08
    assert np.abs(made - wanted)[(wanted > 0) & (wanted < 1)].mean() <= 0.03
    assert made.sum() == pytest.approx(wanted.sum(), rel=0.025)


@pytest.mark.parametrize("region", THIN.values(), ids=THIN.keys())
def test_an_ellipse_20_times_as_long_as_wide_is_wrong_in_its_tips_alone(region: Region) -> None:
    off = np.abs(mask([region], FULL) - supersampled(region))

    # In the tip both its edges run through one sample.
    assert off.max() <= 0.15
    assert np.sum(off > 0.1) <= 4
    assert mask([region], FULL).sum() == pytest.approx(supersampled(region).sum(), rel=0.005)


@pytest.mark.parametrize("region", FEATHERED.values(), ids=FEATHERED.keys())
def test_a_feather_ends_and_begins_where_the_plan_s_does(region: Region) -> None:
    made = mask([region], FULL)

    wanted = [
        [covered([region], x + 0.5, y + 0.5) for x in range(WIDTH)] for y in range(HEIGHT)
    ]
    assert np.abs(made - np.array(wanted)).max() <= 1e-5


@pytest.mark.parametrize("ring_px", [2.0, 9.0])
@pytest.mark.parametrize("edge_px", [1.0, 6.0])
def test_a_ring_is_the_one_the_plan_previews(edge_px: float, ring_px: float) -> None:
    region = replace(SHAPES["flat"], edge_px=edge_px)

    made = mask([region], FULL, ring_px)

    wanted = [
        [region.ring(x + 0.5, y + 0.5, ring_px) for x in range(WIDTH)] for y in range(HEIGHT)
    ]
    assert np.abs(made - np.array(wanted)).max() <= 1e-5


@pytest.mark.parametrize("region", SHAPES.values(), ids=SHAPES.keys())
def test_the_mask_is_the_one_the_plan_previews(region: Region) -> None:
    made = mask([region], FULL)

    wanted = [
        [covered([region], x + 0.5, y + 0.5) for x in range(WIDTH)] for y in range(HEIGHT)
    ]
    assert np.abs(made - np.array(wanted)).max() <= 1e-5


def test_overlapping_ellipses_make_one_shape_without_a_seam() -> None:
    left, right = Region(0, 1, 60, 60, 30, 20), Region(0, 1, 90, 60, 30, 20)

    made = mask([left, right], FULL)

    assert np.array_equal(made, np.maximum(mask([left], FULL), mask([right], FULL)))


def test_chroma_s_mask_is_the_picture_s_at_chroma_s_sites() -> None:
    region = SHAPES["round"]

    made = mask([region], CHROMA)

    wanted = [
        [covered([region], 2 * x + 0.5, 2 * y + 1.0) for x in range(WIDTH // 2)]
        for y in range(HEIGHT // 2)
    ]
    assert np.abs(made - np.array(wanted)).max() <= 1e-5


def test_a_ring_has_its_width_on_both_sides_of_the_edge() -> None:
    region = SHAPES["round"]

    made = mask([region], FULL, ring_px=6.0)

    row = made[60]  # through the middle: the ring is crossed twice
    assert row[:80].sum() == pytest.approx(6.0, abs=0.05)
    assert row[40] == 1.0
    assert row[80] == 0.0


@pytest.mark.parametrize("ring_px", [0.0, 7.0])
@pytest.mark.parametrize("region", [*SHAPES.values(), *FEATHERED.values()], ids=str)
@pytest.mark.parametrize("plane", [FULL, CHROMA], ids=["luma", "chroma"])
def test_an_ellipse_s_box_holds_all_it_touches(
    region: Region, plane: Plane, ring_px: float
) -> None:
    touched = mask([region], plane, ring_px) > 0

    top, bottom, left, right = box_of(region, plane, ring_px)

    touched[top:bottom, left:right] = False
    assert not touched.any()
