"""Which calls are repeated, on what, and for how long."""

from collections.abc import Callable
from pathlib import Path

import pytest

from client import ApiProblem, Cutroom, Unreachable
from client.patience import LONGEST_ASKED_S, Patience
from tests.support.fake_v1 import Cut, problem

Call = Callable[[Cutroom], object]
INPUT = {"source": {"asset_id": "a"}}

REPEATED: dict[str, tuple[str, Call]] = {
    "job": ("/v1/jobs/job-1", lambda client: client.job("job-1")),
    "submit": ("/v1/jobs", lambda client: client.submit("export.framing", INPUT)),
    "retry": ("/v1/jobs/job-1/retry", lambda client: client.retry("job-1")),
    "cancel": ("/v1/jobs/job-1/cancel", lambda client: client.cancel("job-1")),
}
NOT_REPEATED: dict[str, tuple[str, Call]] = {
    "delete": ("/v1/jobs/job-1", lambda client: client.delete("job-1")),
    "delete_asset": ("/v1/assets/a", lambda client: client.delete_asset("a")),
    "abort_upload": ("/v1/uploads/up-1", lambda client: client.abort_upload("up-1")),
    "upload": ("/v1/uploads", lambda client: client.upload(Path(__file__))),
}
BUSY = {"retry-after": "3"}


@pytest.mark.parametrize("call", REPEATED.values(), ids=REPEATED.keys())
def test_what_may_be_repeated_is_when_that_may_help(pair, call):
    path, do = call
    pair.fake.answers[path] = [
        problem(503, "unavailable", **BUSY),
        problem(503, "unavailable"),
        problem(502, "http_502"),
        problem(504, "http_504"),
        problem(429, "rate_limited", **BUSY),
        problem(429, "too_many_open_jobs", **BUSY),
        Cut(),
    ]
    do(pair.client)
    assert pair.waited_s == [3.0, 0.4, 0.8, 1.6, 3.0, 3.0, 5.0]
    assert len(pair.fake.requests(path)) == 8


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "unauthenticated"),
        (403, "forbidden"),
        (404, "not_found"),
        (409, "idempotency_conflict"),
        (413, "payload_too_large"),
        (422, "validation_failed"),
        (429, "budget_exceeded"),
        (429, "quota_exceeded"),
        (500, "internal"),
    ],
)
def test_what_no_repeat_can_mend_is_not_repeated(pair, status, code):
    for path, do in REPEATED.values():
        pair.fake.answers[path] = [problem(status, code, **BUSY)]
        with pytest.raises(ApiProblem) as refused:
            do(pair.client)
        assert refused.value.retry_after_s == 3.0
        assert len(pair.fake.requests(path)) == 1
    assert pair.waited_s == []


@pytest.mark.parametrize("call", NOT_REPEATED.values(), ids=NOT_REPEATED.keys())
def test_what_may_not_be_repeated_never_is(pair, call):
    path, do = call
    wrong = [problem(503, "unavailable", **BUSY), problem(429, "rate_limited", **BUSY), Cut()]
    for n, each in enumerate(wrong, start=1):
        pair.fake.answers[path] = [each]
        with pytest.raises((ApiProblem, Unreachable)):
            do(pair.client)
        assert len(pair.fake.requests(path)) == n
    assert pair.waited_s == []


def test_repeats_of_a_retry_go_under_one_key(pair):
    path = "/v1/jobs/job-1/retry"
    pair.fake.answers[path] = [Cut()]
    pair.client.retry("job-1")
    first, second = (each["idempotency-key"] for each in pair.fake.requests(path))
    assert first == second


def test_repeating_ends(pair):
    pair.fake.answers["/v1/jobs"] = [problem(503, "unavailable") for _ in range(8)]
    with pytest.raises(ApiProblem):
        pair.client.submit("export.framing", INPUT)
    assert len(pair.fake.requests("/v1/jobs")) == 8


def test_nobody_waits_who_is_told_to_come_back_much_later(pair):
    path = "/v1/jobs/job-1"
    pair.fake.answers[path] = [problem(429, "rate_limited", **{"retry-after": "3600"})]
    with pytest.raises(ApiProblem) as refused:
        pair.client.job("job-1")
    assert refused.value.retry_after_s == 3600.0
    assert pair.waited_s == []


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0])
def test_pauses_grow_and_differ_and_what_is_asked_is_waited_out(spread):
    patience = Patience(lambda _: None, lambda: spread, tries=8)
    own = [patience.pause_s(failed) for failed in range(1, 8)]
    usual = (0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0)
    assert own == [pytest.approx(each * (1 - spread / 2)) for each in usual]
    assert patience.pause_s(8) is None
    assert patience.pause_s(1, 4.0) == 4.0 + spread
    assert patience.pause_s(1, LONGEST_ASKED_S + 1) is None
