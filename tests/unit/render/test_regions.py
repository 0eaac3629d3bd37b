"""What a highlighted ellipse covers, and when."""

from itertools import product
from math import hypot, pi

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.render.cropping import Size
from shared.render.effects import blur_sigma_px, outline_width_px
from shared.render.regions import Region, covered, strength

HD = Size(1920, 1080)


def ellipse(x: float, y: float, radius_x: float, radius_y: float, **more: object) -> Region:
    return Region(0, 10, x, y, radius_x, radius_y, **more)  # type: ignore[arg-type]  # as given


def share_inside(region: Region, i: int, j: int) -> float:
    """How much of pixel (i, j) lies in the ellipse, by 8 × 8 points."""
    points = [(n + 0.5) / 8 for n in range(8)]
    inside = sum(
        hypot((i + u - region.x) / region.radius_x, (j + v - region.y) / region.radius_y) < 1
        for u, v in product(points, points)
    )
    return inside / 64


@settings(max_examples=40)  # each looks at up to a hundred thousand points
@given(st.floats(0, 1), st.floats(0, 1), st.floats(4, 16), st.floats(4, 16))
def test_coverage_is_near_the_supersampled_ellipse(
    x: float, y: float, radius_x: float, radius_y: float
) -> None:
    region = ellipse(x, y, radius_x, radius_y)
    pixels = product(
        range(int(x - radius_x) - 2, int(x + radius_x) + 3),
        range(int(y - radius_y) - 2, int(y + radius_y) + 3),
    )

    off = [
        abs(region.coverage(i + 0.5, j + 0.5) - share_inside(region, i, j)) for i, j in pixels
    ]

    assert max(off) <= 0.1
    assert sum(off) <= 0.05 * pi * (radius_x + radius_y)  # about the edge's length


def test_the_edge_is_linear_and_one_pixel_wide() -> None:
    region = ellipse(100, 100, 40, 20)

    along_x = [region.coverage(140 + d, 100) for d in (-1, -0.5, -0.25, 0, 0.25, 0.5, 1)]
    along_y = [region.coverage(100, 80 - d) for d in (-1, -0.5, -0.25, 0, 0.25, 0.5, 1)]

    assert along_x == pytest.approx([1, 1, 0.75, 0.5, 0.25, 0, 0])
    assert along_y == pytest.approx(along_x)


def test_a_feather_is_linear_over_its_width_half_inside_and_half_outside() -> None:
    region = ellipse(100, 100, 40, 20, edge_px=8.0)

    along_x = [region.coverage(140 + d, 100) for d in (-5, -4, -2, 0, 2, 4, 5)]
    along_ring = [region.ring(140 + d, 100, 10) for d in (0, 1, 3, 5, 9, 10)]

    assert along_x == pytest.approx([1, 1, 0.75, 0.5, 0.25, 0, 0])
    assert along_ring == pytest.approx([1, 1, 0.75, 0.5, 0, 0])


def test_a_feather_reaches_into_the_picture_from_outside() -> None:
    assert not ellipse(-42, 500, 40, 40).touches(HD)
    assert ellipse(-42, 500, 40, 40, edge_px=9.0).touches(HD)
    assert not ellipse(-42, 500, 40, 40, edge_px=5.0).touches(HD)


@given(st.integers(-6000, 6000), st.integers(-6000, 6000))
def test_on_a_circle_the_distance_is_exact(x: int, y: int) -> None:
    distance = ellipse(0, 0, 25, 25).distance(x / 100, y / 100)

    assert distance == pytest.approx(hypot(x, y) / 100 - 25, abs=1e-9)


def test_the_very_centre_is_inside() -> None:
    assert ellipse(7.5, 7.5, 30, 20).distance(7.5, 7.5) == -20
    assert ellipse(7.5, 7.5, 30, 20).coverage(7.5, 7.5) == 1
    assert ellipse(7.5, 7.5, 0.25, 9).coverage(7.5, 7.5) == 0.75


def test_far_away_nothing_is_covered() -> None:
    assert ellipse(-100_000, 100_000, 1e-6, 100_000).coverage(1e5, 0) == 0


def test_a_ring_lies_along_the_ellipse_with_its_width() -> None:
    region = ellipse(100, 100, 40, 40)

    across = [region.ring(140 + d, 100, 4.0) for d in (-3, -2, -1, 0, 1, 2, 3)]

    assert across == pytest.approx([0, 0.5, 1, 1, 1, 0.5, 0])


def test_a_union_is_the_largest_coverage_and_strength_the_largest_opacity() -> None:
    weak, strong = ellipse(50, 50, 10, 10, opacity=0.2), ellipse(60, 50, 10, 10, opacity=0.7)
    both = (weak, strong)

    assert covered(both, 45, 50) == 1
    assert covered(both, 55, 50) == 1
    assert covered(both, 70, 50) == pytest.approx(0.5)
    assert covered(both, 55, 90) == 0
    assert strength(both) == 0.7


def test_without_regions_nothing_is_covered() -> None:
    assert covered((), 1, 1) == 0
    assert strength(()) == 0


def test_d129_a_region_is_active_from_its_start_up_to_its_end() -> None:
    region = Region(10, 11, 0, 0, 5, 5)

    assert [n for n in range(30) if region.active(n)] == [10]


@pytest.mark.parametrize(
    ("region", "touches"),
    [
        (ellipse(960, 540, 10, 10), True),
        (ellipse(-9, 540, 10, 10), True),
        (ellipse(-10, 540, 10, 10), False),
        (ellipse(1930, 540, 10, 10), False),
        (ellipse(960, 1089, 10, 10), True),
        (ellipse(960, -10, 500, 10), False),
        # The bounding box reaches the corner, the ellipse does not.
        (ellipse(-8, -8, 10, 10), False),
        (ellipse(-7, -7, 10, 10), True),
        (ellipse(-8, -4, 10, 10), True),
        (ellipse(960, 540, 100_000, 100_000), True),
    ],
)
def test_a_region_touches_the_frame_where_any_of_it_lies_inside(
    region: Region, touches: bool
) -> None:
    assert region.touches(HD) is touches


@given(st.floats(-60, 100), st.floats(-60, 90), st.floats(4, 40), st.floats(0.25, 4))
def test_a_region_that_does_not_touch_covers_no_pixel(
    x: float, y: float, radius_x: float, ratio: float
) -> None:
    region, frame = ellipse(x, y, radius_x, radius_x * ratio), Size(40, 30)

    most = max(region.coverage(i + 0.5, j + 0.5) for i, j in product(range(40), range(30)))

    assert region.touches(frame) or most < 0.1


@pytest.mark.parametrize(
    ("frame", "sigma_px", "outline_px"),
    [(HD, 10.8, 5.4), (Size(1080, 1920), 10.8, 5.4), (Size(150, 4000), 2.0, 2.0)],
)
def test_blur_and_outline_follow_the_shorter_side(
    frame: Size, sigma_px: float, outline_px: float
) -> None:
    assert blur_sigma_px(frame) == pytest.approx(sigma_px)
    assert outline_width_px(frame) == pytest.approx(outline_px)
