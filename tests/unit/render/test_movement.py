"""How values move between keyframes, by each easing."""

from fractions import Fraction
from itertools import pairwise
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.render.movement import Easing, Movement, Stop

CURVED = (Easing.EASE_IN_OUT, Easing.SMOOTH)

numbers = st.one_of(st.floats(-100_000, 100_000), st.integers(-3, 3).map(float))
values = st.tuples(numbers, numbers)
easings = st.sampled_from(Easing)


def stops(
    of: st.SearchStrategy[Easing] = easings, most_frames: int = 300
) -> st.SearchStrategy[list[Stop]]:
    return st.lists(
        st.builds(Stop, st.integers(0, most_frames), values, of),
        min_size=2,
        max_size=8,
        unique_by=lambda stop: stop.frame,
    ).map(lambda found: sorted(found, key=lambda stop: stop.frame))


def stretches(found: list[Stop]) -> list[tuple[Stop, Stop]]:
    return list(pairwise(found))


def along(movement: Movement, a: Stop, b: Stop, column: int) -> list[float]:
    return [movement.at(n)[column] for n in range(a.frame, b.frame)]


@given(stops())
def test_every_keyframe_is_met_exactly_whatever_the_easings(found: list[Stop]) -> None:
    movement = Movement(found)

    assert [movement.at(each.frame) for each in found] == [each.values for each in found]


@given(stops())
def test_before_the_first_and_after_the_last_the_values_are_held(found: list[Stop]) -> None:
    movement = Movement(found)

    assert movement.at(found[0].frame - 1) == found[0].values
    assert movement.at(found[-1].frame + 10**9) == found[-1].values


@given(stops(st.sampled_from(CURVED)))
def test_no_curve_leaves_what_lies_between_its_two_keyframes(found: list[Stop]) -> None:
    movement = Movement(found)

    outside = [
        (a.frame, column)
        for a, b in stretches(found)
        for column in (0, 1)
        for value in along(movement, a, b, column)
        if not min(a.values[column], b.values[column])
        <= value
        <= max(a.values[column], b.values[column])
    ]

    assert outside == []


@given(stops())
def test_along_a_stretch_no_value_turns_back(found: list[Stop]) -> None:
    movement = Movement(found)

    backwards = [
        (p, q)
        for a, b in stretches(found)
        for column in (0, 1)
        for p, q in pairwise(along(movement, a, b, column))
        if (q - p) * (1 if b.values[column] >= a.values[column] else -1) < 0
    ]

    assert backwards == []


@given(stops(st.just(Easing.LINEAR)), st.integers(0, 320))
def test_linear_is_bit_for_bit_what_it_was_before_there_were_easings(
    found: list[Stop], n: int
) -> None:
    before = max((s for s in found if s.frame <= n), key=lambda s: s.frame, default=found[0])
    after = min((s for s in found if s.frame > n), key=lambda s: s.frame, default=before)
    part = (n - before.frame) / max(1, after.frame - before.frame)

    assert Movement(found).at(n) == tuple(
        a + (b - a) * max(part, 0) for a, b in zip(before.values, after.values, strict=True)
    )


def test_hold_cuts_on_exactly_the_next_keyframe_s_frame() -> None:
    movement = Movement([Stop(10, (1.0,), Easing.HOLD), Stop(20, (5.0,))])

    assert [movement.at(n) for n in (0, 10, 19, 20, 21)] == [
        (1.0,),
        (1.0,),
        (1.0,),
        (5.0,),
        (5.0,),
    ]


@given(st.integers(1, 500), numbers, numbers, st.integers(0, 500))
def test_ease_in_out_is_three_t_squared_less_two_t_cubed(
    length: int, a: float, b: float, at: int
) -> None:
    n = min(at, length)
    t = Fraction(n, length)
    exact = Fraction(a) + (Fraction(b) - Fraction(a)) * (3 * t**2 - 2 * t**3)

    movement = Movement([Stop(0, (a,), Easing.EASE_IN_OUT), Stop(length, (b,))])

    assert movement.at(n)[0] == pytest.approx(float(exact), rel=1e-12, abs=1e-9)


def test_a_smooth_stretch_alone_is_an_eased_one() -> None:
    eased = Movement([Stop(0, (3.0,), Easing.EASE_IN_OUT), Stop(97, (11.0,))])
    smooth = Movement([Stop(0, (3.0,), Easing.SMOOTH), Stop(97, (11.0,))])

    assert [smooth.at(n) for n in range(98)] == [eased.at(n) for n in range(98)]


def scaled(found: list[Stop], by: int) -> Movement:
    return Movement([Stop(each.frame * by, each.values, each.easing) for each in found])


@given(stops(st.just(Easing.SMOOTH), most_frames=40))
def test_within_a_run_of_smooth_stretches_the_speed_does_not_jump(found: list[Stop]) -> None:
    # The same run in ever finer frames: a kink's second difference shrinks with the frame,
    # that of a curve with its square.
    def kinks(by: int) -> list[float]:
        movement = scaled(found, by)
        return [
            abs(
                movement.at(each.frame * by + 1)[column]
                - 2 * each.values[column]
                + movement.at(each.frame * by - 1)[column]
            )
            for each in found
            for column in (0, 1)
        ]

    assert all(
        fine <= coarse / 30 + 1e-7
        for coarse, fine in zip(kinks(1_000), kinks(10_000), strict=True)
    )


@given(stops(st.sampled_from((Easing.SMOOTH, Easing.HOLD, Easing.LINEAR))))
def test_at_the_ends_of_a_smooth_run_the_value_rests(found: list[Stop]) -> None:
    fine = 100_000
    movement = scaled(found, fine)
    after = [
        (each, until)
        for before, each, until in zip([None, *found], found, found[1:], strict=False)
        if each.easing is Easing.SMOOTH
        and (before is None or before.easing is not Easing.SMOOTH)
    ]

    # From rest a cubic covers of its way the square of its time's share, three times at most
    # with the other end at rest, and six where that one is as steep as may be.
    moved = [
        abs(movement.at(each.frame * fine + 1)[column] - each.values[column])
        <= 6 * abs(until.values[column] - each.values[column]) / fine**2 + 1e-9
        for each, until in after
        for column in (0, 1)
    ]

    assert all(moved)


@given(stops(st.just(Easing.SMOOTH)))
def test_played_backwards_a_smooth_run_is_the_same(found: list[Stop]) -> None:
    last = found[-1].frame
    mirrored = Movement(
        [Stop(last - each.frame, each.values, each.easing) for each in reversed(found)]
    )
    movement = Movement(found)

    differ = [
        n
        for n in range(last + 1)
        for there, back in zip(movement.at(n), mirrored.at(last - n), strict=True)
        if not isclose(there, back, rel_tol=1e-12, abs_tol=1e-9)
    ]

    assert differ == []


def test_smooth_agrees_with_another_monotone_cubic_where_the_keyframes_are_even() -> None:
    # On 0, 1, 3, 4 the three-point speeds are 1.5 and 1.5 of slopes 1, 2, 1: no scaling.
    movement = Movement(
        [Stop(n * 100, (v,), Easing.SMOOTH) for n, v in enumerate((0.0, 1.0, 3.0, 4.0))]
    )

    # Hermite by hand, half way through: (a + b) / 2 + (speed at a − speed at b) / 8.
    assert [movement.at(n)[0] for n in (50, 150, 250)] == pytest.approx(
        [0.5 - 1.5 / 8, 2.0, 3.5 + 1.5 / 8]
    )


@given(stops(st.just(Easing.SMOOTH)), st.integers(0, 6), st.floats(0, 1))
def test_the_arc_of_a_stretch_is_its_curve_also_when_cut(
    found: list[Stop], which: int, part: float
) -> None:
    movement = Movement(found)
    at = which % (len(found) - 1)
    a, b = found[at], found[at + 1]
    n = a.frame + round(part * (b.frame - a.frame))

    before, after = movement.arc(at).split((n - a.frame) / (b.frame - a.frame))

    assert before.points[3] == after.points[0]
    assert before.points[3] == pytest.approx(movement.at(n), rel=1e-9, abs=1e-6)
