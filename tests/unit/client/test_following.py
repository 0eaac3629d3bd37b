"""A job's events come once each and in order, whatever the connection does."""

import pytest

from client import ApiProblem, Cutroom, Unreachable
from tests.support.fake_v1 import API_KEY, log, problem, snapshot

EVENTS = "/v1/jobs/job-1/events"
WHOLE = ("queued", "started", "progress", "progress", "succeeded")


def seqs(client: Cutroom, after: int = -1) -> list[int]:
    return [event.seq for event in client.events("job-1", after)]


def test_every_event_comes_once_and_in_order(pair):
    pair.fake.events = log(*WHOLE)
    assert seqs(pair.client) == [0, 1, 2, 3, 4]


def test_a_reader_begins_after_what_it_has(pair):
    pair.fake.events = log(*WHOLE)
    assert seqs(pair.client, after=2) == [3, 4]


def test_a_dropped_stream_is_taken_up_where_it_broke(pair):
    pair.fake.events = log(*WHOLE)
    pair.fake.cuts = [2, 1]
    assert seqs(pair.client) == [0, 1, 2, 3, 4]
    resumed = [each.get("last-event-id") for each in pair.fake.requests(EVENTS)]
    assert resumed == [None, "1", "2"]


def test_polling_takes_over_after_three_drops_in_a_row(pair):
    pair.fake.events = log(*WHOLE)
    pair.fake.cuts = [2, 0, 0, 0]
    assert seqs(pair.client) == [0, 1, 2, 3, 4]
    accepted = [each["accept"] for each in pair.fake.requests(EVENTS)]
    assert accepted.count("text/event-stream") == 3
    assert accepted[-1] == "*/*"


def test_polling_takes_over_where_nothing_streams(pair):
    pair.fake.events, pair.fake.streams = log(*WHOLE), False
    assert seqs(pair.client) == [0, 1, 2, 3, 4]


def test_nothing_comes_after_the_last_event(pair):
    pair.fake.events = log(*WHOLE)
    assert seqs(pair.client, after=4) == []


def test_a_poll_past_the_last_event_ends_too(pair):
    pair.fake.events, pair.fake.streams = log(*WHOLE), False
    pair.fake.job = snapshot(4, "succeeded")
    assert seqs(pair.client, after=4) == []


def test_too_many_watchers_are_waited_out(pair):
    pair.fake.events = log(*WHOLE)
    pair.fake.answers[EVENTS] = [problem(429, "rate_limited")]
    assert seqs(pair.client) == [0, 1, 2, 3, 4]


def test_a_foreign_job_is_a_problem_at_once(pair):
    pair.fake.answers[EVENTS] = [problem(404, "not_found")]
    with pytest.raises(ApiProblem) as refused:
        seqs(pair.client)
    assert (refused.value.status, refused.value.code) == (404, "not_found")
    assert pair.waited_s == []


def test_a_gateway_that_stays_away_is_unreachable_in_the_end():
    waited_s: list[float] = []
    client = Cutroom("http://127.0.0.1:1", API_KEY, sleep=waited_s.append, spread=lambda: 0.0)
    with client, pytest.raises(Unreachable) as away:
        seqs(client)
    assert waited_s == [0.2, 0.4, 0.8, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert "127.0.0.1" not in str(away.value)


def test_waiting_tells_each_event_and_returns_the_job_as_it_is_then(pair):
    pair.fake.events = log("queued", "succeeded")
    pair.fake.job = snapshot(1, "succeeded")
    told: list[str] = []
    job = pair.client.wait("job-1", lambda event: told.append(event.type))
    assert told == ["queued", "succeeded"]
    assert job.is_final
