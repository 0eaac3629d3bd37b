"""A video may say that it is a day long, and no longer, whatever its file's size."""

from fractions import Fraction

import pytest

from gpu_worker.media.decoding.lengths import (
    MAX_FRAMES,
    MAX_PACKETS,
    refuse_too_long,
    refuse_too_many_packets,
)
from shared.errors import JobFailed
from shared.render.timebase import ConstantRate

DAY_S = 24 * 3600


def timeline(rate: int, seconds: int) -> tuple[Fraction, ConstantRate]:
    """A clock whose two frames fill so many seconds."""
    clock = ConstantRate(Fraction(rate), Fraction(1))
    clock.add(0, seconds - 1)
    clock.add(seconds - 1, 1)
    return Fraction(rate), clock


@pytest.mark.parametrize(("rate", "seconds"), [(60, DAY_S), (120, DAY_S // 2), (1000, 5184)])
def test_the_longest_videos_are_taken(rate: int, seconds: int) -> None:
    refuse_too_long(*timeline(rate, seconds))


@pytest.mark.parametrize(
    ("rate", "seconds", "words"),
    [
        (1, DAY_S + 1, "24.0 hours"),
        (60, 365 * DAY_S, "8760.0 hours"),
        (120, DAY_S // 2 + 1, f"and {MAX_FRAMES} are the most"),
        (1001, 10, "1001 frames a second"),
    ],
)
def test_what_says_it_is_longer_is_unreadable(rate: int, seconds: int, words: str) -> None:
    with pytest.raises(JobFailed, match=words) as refused:
        refuse_too_long(*timeline(rate, seconds))
    assert refused.value.what == "input_unreadable"


def test_a_stream_of_more_packets_than_are_kept_in_mind_is_unreadable() -> None:
    refuse_too_many_packets(MAX_PACKETS)
    with pytest.raises(JobFailed, match="pieces") as refused:
        refuse_too_many_packets(MAX_PACKETS + 1)
    assert refused.value.what == "input_unreadable"
