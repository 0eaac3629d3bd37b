"""Ellipses that move: where they are on each frame, and whether anybody sees them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.render.cropping import Size
from shared.render.keyframes import DuplicateKeyframe, RegionKeyframe
from shared.render.movement import Easing
from shared.render.regions import MovingRegion, Region

FRAME = Size(320, 180)

keyframe_lists = st.lists(
    st.builds(
        RegionKeyframe,
        st.integers(0, 120),
        st.floats(-120, 440),
        st.floats(-120, 300),
        st.floats(1, 120),
        st.floats(1, 120),
        st.floats(0, 1),
        st.sampled_from(Easing),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda keyframe: keyframe.frame,
)


def moving(*keyframes: RegionKeyframe, start: int = 0, end: int = 100) -> MovingRegion:
    return MovingRegion(start, end, keyframes)


def test_between_keyframes_everything_moves_and_the_rest_stays() -> None:
    region = MovingRegion(
        10,
        90,
        (
            RegionKeyframe(20, 100, 50, 10, 20, 1.0),
            RegionKeyframe(60, 140, 90, 30, 20, 0.5),
        ),
        (1, 2, 3),
        4.0,
    )

    assert region.at(30) == Region(10, 90, 110, 60, 15, 20, 0.875, (1, 2, 3), 4.0)


def test_before_the_first_keyframe_and_after_the_last_the_ellipse_is_held() -> None:
    first, last = RegionKeyframe(20, 1, 2, 3, 4), RegionKeyframe(60, 5, 6, 7, 8)

    region = moving(first, last)

    assert region.at(0) == region.at(20) == Region(0, 100, 1, 2, 3, 4)
    assert region.at(60) == region.at(99) == Region(0, 100, 5, 6, 7, 8)


def test_it_is_active_on_its_own_frames_whatever_its_keyframes() -> None:
    region = moving(
        RegionKeyframe(0, 1, 2, 3, 4), RegionKeyframe(50, 5, 6, 7, 8), start=9, end=12
    )

    assert [n for n in range(100) if region.active(n)] == [9, 10, 11]


@given(keyframe_lists)
def test_one_keyframe_s_place_or_between_two_no_number_leaves_its_bounds(
    keyframes: list[RegionKeyframe],
) -> None:
    region = moving(*keyframes)

    low = min(each.radius_x for each in keyframes)
    high = max(each.radius_x for each in keyframes)

    # A straight line may err by a rounding; curves are held to their ends.
    assert all(low - 1e-9 <= region.at(n).radius_x <= high + 1e-9 for n in range(121))
    assert all(-1e-12 <= region.at(n).opacity <= 1 + 1e-12 for n in range(121))


def test_different_ellipses_on_one_frame_are_refused_and_equal_ones_merged() -> None:
    here = RegionKeyframe(5, 1, 2, 3, 4)

    assert moving(here, here).keyframes == (here,)
    with pytest.raises(DuplicateKeyframe, match="frame 5 has two keyframes with different ell"):
        moving(here, RegionKeyframe(5, 9, 2, 3, 4))


@given(keyframe_lists, st.integers(0, 130), st.integers(1, 130), st.integers(1, 120))
def test_whether_it_is_seen_is_told_as_by_looking_at_each_frame(
    keyframes: list[RegionKeyframe], start: int, length: int, frames: int
) -> None:
    region = MovingRegion(start, start + length, tuple(keyframes))
    shown = [n for n in range(frames) if region.active(n)]

    assert region.seen_within(range(frames), FRAME) is any(
        region.at(n).touches(FRAME) for n in shown
    )


def test_an_ellipse_that_only_crosses_a_corner_on_the_way_is_seen() -> None:
    region = moving(
        RegionKeyframe(0, -60, 40, 20, 20), RegionKeyframe(90, 40, -60, 20, 20), end=91
    )

    ends = [region.at(n).touches(FRAME) for n in (0, 90)]

    assert ends == [False, False]
    assert region.seen_within(range(91), FRAME)


def test_an_ellipse_that_passes_outside_a_corner_is_not_seen() -> None:
    region = moving(
        RegionKeyframe(0, -90, 40, 20, 20), RegionKeyframe(90, 40, -90, 20, 20), end=91
    )

    assert not region.seen_within(range(91), FRAME)


def test_over_a_year_of_frames_a_passing_ellipse_is_told_apart_in_few_looks() -> None:
    far = 365 * 24 * 3600 * 60
    outside = moving(
        RegionKeyframe(0, -90, 40, 20, 20, easing=Easing.SMOOTH),
        RegionKeyframe(far, 40, -90, 20, 20),
        end=far,
    )

    assert not outside.seen_within(range(far), FRAME)


def test_a_held_ellipse_jumps_on_its_frame() -> None:
    region = moving(
        RegionKeyframe(0, 10, 10, 5, 5, easing=Easing.HOLD), RegionKeyframe(40, 99, 10, 5, 5)
    )

    jumps = [
        n for n, (a, b) in enumerate(pairwise(region.at(n).x for n in range(60)), 1) if a != b
    ]

    assert jumps == [40]
