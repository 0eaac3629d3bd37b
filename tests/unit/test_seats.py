"""Watchers have seats: so many for a job, so many for a tenant."""

from contextlib import ExitStack

import pytest

from gateway.services.seats import Seats, TooManyWatchers
from tests.support.jobs import a_job


def test_a_job_has_so_many_seats_and_no_more():
    seats = Seats(per_job=2, per_tenant=10)
    with ExitStack() as held:
        held.enter_context(seats.taken(a_job("j1"), "sse"))
        held.enter_context(seats.taken(a_job("j1"), "sse"))
        with pytest.raises(TooManyWatchers) as refused, seats.taken(a_job("j1"), "sse"):
            pass
        with seats.taken(a_job("j2"), "sse"):
            assert seats.watching("j2") == 1
    assert refused.value.what == "rate_limited"
    assert refused.value.retry_after_s > 0


def test_a_tenant_has_so_many_seats_over_all_jobs():
    seats = Seats(per_job=10, per_tenant=1)
    with seats.taken(a_job("j1"), "sse"):
        with pytest.raises(TooManyWatchers), seats.taken(a_job("j2"), "sse"):
            pass
        with seats.taken(a_job("j3", tenant="other"), "sse"):
            pass


def test_a_seat_is_given_back_on_every_way_out():
    seats = Seats(per_job=1, per_tenant=1)
    with pytest.raises(ValueError, match="out"), seats.taken(a_job(), "sse"):
        raise ValueError("out")
    with seats.taken(a_job(), "sse"):
        assert seats.watching("j1") == 1
    assert seats.watching("j1") == 0
