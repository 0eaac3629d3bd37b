"""Buckets: what they let through at once, in the long run, and how many there are."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.rates import Buckets, Standing

GAPS_S = st.lists(st.floats(0, 3), min_size=1, max_size=200)


def test_a_full_bucket_lets_its_burst_through_and_then_one_each_part_of_a_second():
    buckets = Buckets(per_s=4, burst=3)
    assert [buckets.take("a", 10.0).left for _ in range(3)] == [2, 1, 0]
    refused = buckets.take("a", 10.0)
    assert (refused.is_refused, refused.wait_s, refused.left) == (True, 0.25, 0)
    assert buckets.take("a", 10.2).is_refused
    assert not buckets.take("a", 10.25).is_refused
    assert buckets.take("a", 10.25).is_refused


def test_each_name_has_a_bucket_of_its_own():
    buckets = Buckets(per_s=1, burst=1)
    assert [buckets.take(name, 0.0).is_refused for name in "abab"] == [False, False, True, True]


def test_looking_takes_nothing_and_what_is_refused_costs_nothing():
    buckets = Buckets(per_s=1, burst=2)
    assert [buckets.look("a", 0.0) for _ in range(5)] == [Standing(2, 0.0)] * 5
    assert len(buckets) == 0
    refusals = [buckets.take("a", 0.0).is_refused for _ in range(9)]
    assert refusals == [False, False, *[True] * 7]
    assert not buckets.take("a", 1.0).is_refused


def test_whoever_waits_as_told_is_let_in():
    buckets = Buckets(per_s=0.3, burst=1)
    buckets.take("a", 0.0)
    refused = buckets.take("a", 0.1)
    assert buckets.take("a", 0.1 + refused.retry_after_s).is_refused is False
    assert Standing(0, 0.0, 0.001).retry_after_s == 1


@given(GAPS_S, st.integers(1, 20), st.floats(0.5, 50))
def test_no_stretch_of_time_lets_more_through_than_burst_and_rate(gaps_s, burst, per_s):
    buckets, now_s, let_in = Buckets(per_s=per_s, burst=burst), 0.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        let_in += [now_s] * (not buckets.take("a", now_s).is_refused)
    for first, began_s in enumerate(let_in):
        for last, ended_s in enumerate(let_in[first:], start=1):
            assert last <= burst + per_s * (ended_s - began_s) + 1e-3


def test_there_are_never_more_buckets_than_may_be():
    buckets = Buckets(per_s=1, burst=5, names_max=100)
    for number in range(1000):
        buckets.take(f"name-{number}", 0.0)
    assert len(buckets) <= 100


def test_full_buckets_are_forgotten_before_any_that_is_not():
    buckets = Buckets(per_s=1, burst=1, names_max=2)
    buckets.take("full by then", 0.0)
    buckets.take("empty", 0.9)
    buckets.take("new", 1.5)
    assert buckets.take("empty", 1.5).is_refused
