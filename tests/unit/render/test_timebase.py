"""Rates, constant-rate frames and trims, against a brute-force reading of the rules."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.render.timebase import (
    COMMON_RATES,
    ConstantRate,
    first_frame_from,
    frame_count,
    frames_in_range,
    nominal_rate,
)

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("base", "average", "nominal"),
    [
        (NTSC, NTSC, NTSC),
        (Fraction(30), Fraction("29.86"), Fraction(30)),
        (Fraction(30), Fraction("29.85"), Fraction(30)),
        (Fraction(25, 2), Fraction(25, 2), Fraction(25, 2)),
        (Fraction(90000), Fraction("29.84"), NTSC),
        (Fraction(120), Fraction("29.995"), Fraction(30)),
        (Fraction(60), Fraction("23.98"), Fraction(24000, 1001)),
        (Fraction(60), Fraction("25.25"), Fraction(25)),
        (Fraction(60), Fraction("25.26"), Fraction("25.26")),
        (Fraction(30), Fraction(15), Fraction(15)),
        (None, Fraction("59.9"), Fraction(60000, 1001)),
        (Fraction(0), Fraction("47.6"), Fraction(48)),
        (Fraction(24), None, Fraction(24)),
    ],
)
def test_the_nominal_rate_is_the_base_rate_or_the_average_snapped(
    base: Fraction | None, average: Fraction | None, nominal: Fraction
) -> None:
    assert nominal_rate(base, average) == nominal


def test_no_known_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        nominal_rate(None, Fraction(0))


@pytest.mark.parametrize(
    ("duration", "rate", "frames"),
    [
        (Fraction(1), NTSC, 30),
        (Fraction(10), NTSC, 300),
        (Fraction(1, 1000), Fraction(25), 1),
        (Fraction("0.5"), Fraction(25), 13),  # 12.5: halves go up
        (Fraction("30.16"), Fraction(25, 2), 377),
    ],
)
def test_the_frame_count_is_duration_times_rate_rounded_and_at_least_one(
    duration: Fraction, rate: Fraction, frames: int
) -> None:
    assert frame_count(duration, rate) == frames


@pytest.mark.parametrize(
    ("start_s", "end_s", "rate", "frames"),
    [
        (1.0, 2.0, NTSC, range(30, 60)),
        (0.04, 0.08, Fraction(25), range(1, 2)),
        (None, None, Fraction(25), range(100)),
        (0.1, None, Fraction(30), range(3, 100)),  # 0.1·30 is 3.0000000000000004 in floats
        (None, 0.7, Fraction(30), range(21)),
        (3.9, 60.0, Fraction(25), range(98, 100)),
        (4.0, 5.0, Fraction(25), range(100, 100)),
        (0.041, 0.079, Fraction(25), range(2, 2)),
    ],
)
def test_a_trim_keeps_the_frames_from_the_first_at_or_after_each_instant(
    start_s: float | None, end_s: float | None, rate: Fraction, frames: range
) -> None:
    assert frames_in_range(start_s, end_s, rate, 100) == frames


@given(st.sampled_from(COMMON_RATES), st.integers(0, 10**6))
def test_a_frames_own_instant_as_a_float_is_that_frame(rate: Fraction, n: int) -> None:
    assert first_frame_from(float(n / rate), rate) == n


@given(
    st.sampled_from(COMMON_RATES),
    st.lists(st.floats(0, 100), min_size=3, max_size=3).map(sorted),
)
def test_ranges_that_meet_share_no_frame_and_leave_none_out(
    rate: Fraction, times: list[float]
) -> None:
    a, b, c = times
    first = frames_in_range(a, b, rate, 3000)
    second = frames_in_range(b, c, rate, 3000)
    assert [*first, *second] == [*frames_in_range(a, c, rate, 3000)]


def shown(rate: Fraction, timebase: Fraction, stamps: list[tuple[int, int]]) -> list[int]:
    """Which decoded frame each output frame shows, according to `ConstantRate`."""
    clock, frames = ConstantRate(rate, timebase), []
    for index, (pts, duration) in enumerate(stamps):
        frames += [index - 1] * len(clock.add(pts, duration))
    return frames + [len(stamps) - 1] * len(clock.end())


def shown_by_the_rule(
    rate: Fraction, timebase: Fraction, stamps: list[tuple[int, int]]
) -> list[int]:
    """The same, by asking for each n in turn: nothing carried from one frame to the next."""
    times = [(pts - stamps[0][0]) * timebase for pts, _ in stamps]
    slots = [floor(time * rate + Fraction(1, 2)) for time in times]
    lasts = stamps[-1][1] * timebase or 1 / rate
    count = max(1, floor((times[-1] + lasts) * rate + Fraction(1, 2)))
    return [max(i for i, slot in enumerate(slots) if slot <= n) for n in range(count)]


STAMPS = st.lists(st.integers(1, 4000), min_size=0, max_size=40).flatmap(
    lambda steps: st.tuples(st.integers(-5000, 5000), st.just(steps), st.integers(0, 4000))
)


def stamps_from(drawn: tuple[int, list[int], int]) -> list[tuple[int, int]]:
    """Growing PTS from a start and steps, each lasting to the next, the last as drawn."""
    start, steps, last = drawn
    stamps, at = [], start
    for step in steps:
        stamps.append((at, step))
        at += step
    return [*stamps, (at, last)]


@given(
    st.sampled_from((*COMMON_RATES, Fraction(25, 2), Fraction(997, 41))),
    st.sampled_from((Fraction(1, 90000), Fraction(1, 1000), Fraction(1001, 30000))),
    STAMPS.map(stamps_from),
)
def test_each_output_frame_shows_the_last_frame_whose_rounded_time_has_come(
    rate: Fraction, timebase: Fraction, stamps: list[tuple[int, int]]
) -> None:
    assert shown(rate, timebase, stamps) == shown_by_the_rule(rate, timebase, stamps)


@given(
    st.sampled_from(COMMON_RATES),
    st.lists(st.tuples(st.integers(-500, 5000), st.integers(0, 90)), min_size=1),
)
def test_whatever_the_stamps_the_output_has_each_frame_once_and_in_order(
    rate: Fraction, stamps: list[tuple[int, int]]
) -> None:
    clock, numbers = ConstantRate(rate, Fraction(1, 1000)), []
    for pts, duration in stamps:
        numbers += clock.add(pts, duration)
    numbers += clock.end()

    assert numbers == list(range(clock.count))
    assert clock.count >= 1


def test_constant_input_passes_frame_by_frame() -> None:
    stamps = [(1001 * n, 1001) for n in range(300)]
    assert shown(NTSC, Fraction(1, 30000), stamps) == list(range(300))


def test_a_millisecond_timebase_does_not_drift_over_an_hour() -> None:
    # Matroska's timebase: each stamp is off by up to half a millisecond, none accumulates.
    count = 3600 * 30
    stamps = [(round(n * 1001 / 30), 33) for n in range(count)]
    assert shown(NTSC, Fraction(1, 1000), stamps) == list(range(count))


def test_a_frame_timed_before_its_predecessor_takes_its_place() -> None:
    stamps = [(0, 40), (80, 40), (60, 40), (120, 40)]
    assert shown(Fraction(25), Fraction(1, 1000), stamps) == [0, 0, 2, 3]


def test_an_unknown_last_duration_counts_as_one_frame() -> None:
    clock = ConstantRate(Fraction(25), Fraction(1, 1000))
    clock.add(500)
    clock.add(540, 0)

    assert clock.end() == range(1, 2)
    assert clock.duration == Fraction(80, 1000)


def test_without_a_frame_there_is_no_end() -> None:
    with pytest.raises(ValueError, match="no frame"):
        ConstantRate(Fraction(25), Fraction(1, 1000)).end()


@pytest.mark.parametrize(("rate", "timebase"), [(0, 1), (1, 0), (-1, 1)])
def test_a_clock_without_a_positive_rate_is_refused(rate: int, timebase: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        ConstantRate(Fraction(rate), Fraction(timebase))
