"""What is asked arrives as meant, and refusals say what the gateway said."""

import pytest
from starlette.responses import PlainTextResponse, Response

from client import (
    ApiProblem,
    Busy,
    Conflict,
    Cutroom,
    Denied,
    Field,
    Invalid,
    NotFound,
    Unreachable,
)
from tests.support.fake_v1 import API_KEY, Cut, problem, snapshot
from tests.support.serving import serving_in_thread

JOB = "/v1/jobs/job-1"


def test_a_refusal_keeps_its_code_words_and_fields(pair):
    pair.fake.answers[JOB] = [problem(422, "validation_failed")]
    with pytest.raises(ApiProblem) as refused:
        pair.client.job("job-1")
    assert refused.value.status == 422
    assert refused.value.code == "validation_failed"
    assert refused.value.detail == "It is validation_failed."
    assert refused.value.fields == (Field("input.ratio.0", "is too large"),)
    assert refused.value.request_id == "request-1"


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (401, Denied),
        (403, Denied),
        (404, NotFound),
        (409, Conflict),
        (413, Invalid),
        (415, Invalid),
        (422, Invalid),
        (429, Busy),
        (500, ApiProblem),
    ],
)
def test_a_refusal_is_of_the_type_that_says_whose_move_is_next(pair, status, raised):
    pair.fake.answers[JOB] = [problem(status, "quota_exceeded")]
    with pytest.raises(ApiProblem) as refused:
        pair.client.job("job-1")
    assert type(refused.value) is raised


def test_a_proxys_own_refusal_is_a_problem_too(pair):
    pair.fake.answers[JOB] = [PlainTextResponse("<h1>no</h1>", 403)]
    with pytest.raises(ApiProblem) as refused:
        pair.client.job("job-1")
    assert refused.value.code == "http_403"


def test_a_submission_whose_answer_was_lost_is_repeated_under_its_own_key(pair):
    pair.fake.answers["/v1/jobs"] = [Cut()]
    job = pair.client.submit("export.framing", {"source": {"asset_id": "a"}})
    first, second = (each["idempotency-key"] for each in pair.fake.requests("/v1/jobs"))
    assert job.id == "job-1"
    assert first == second


def test_two_submissions_have_two_keys(pair):
    pair.client.submit("export.framing", {})
    pair.client.submit("export.framing", {})
    first, second = (each["idempotency-key"] for each in pair.fake.requests("/v1/jobs"))
    assert first != second


def test_the_callers_own_key_is_sent(pair):
    pair.client.submit("export.framing", {}, idempotency_key="order-7")
    assert pair.fake.requests("/v1/jobs")[0]["idempotency-key"] == "order-7"


def test_a_page_that_is_no_api_is_said_to_be_none(pair):
    pair.fake.answers[JOB] = [PlainTextResponse("welcome")]
    with pytest.raises(Unreachable, match="no cutroom gateway"):
        pair.client.job("job-1")


def test_an_answer_of_another_shape_does_not_show_what_it_held(pair):
    secret = '{"id": 7, "outputs": [{"url": "http://x/?X-Amz-Signature=abc"}]}'
    pair.fake.answers[JOB] = [Response(secret, media_type="application/json")]
    with pytest.raises(Unreachable) as wrong:
        pair.client.job("job-1")
    assert "abc" not in f"{wrong.value!r} {wrong.value.__cause__!r}"


def test_an_id_is_one_part_of_the_path_whatever_it_holds(pair):
    with pytest.raises(ApiProblem) as refused:
        pair.client.job("../uploads")
    assert refused.value.status == 404


def test_a_finished_job_is_waited_for_until_its_cost_is_known(pair):
    cost = {"estimated_usd": "0.0011", "reserved_usd": "0.0150", "actual_usd": None}
    pair.fake.job = snapshot(4, "succeeded", cost=cost)
    job = pair.client.settled("job-1", within_s=1.0)
    assert job.cost is not None
    assert job.cost.actual_usd is None
    assert sum(pair.waited_s) == 1.0


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://127.0.0.1"])
def test_an_address_that_is_none_is_refused_at_once(address):
    with pytest.raises(Unreachable, match="http"):
        Cutroom(address, API_KEY)


def test_a_key_that_cannot_be_one_is_refused_without_being_shown():
    with pytest.raises(Unreachable) as refused:
        Cutroom("http://127.0.0.1:1", "ck_secret\r\nX: y")
    assert "ck_secret" not in str(refused.value)


def test_a_proxy_of_the_environment_is_left_out_on_loopback(pair, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with (
        serving_in_thread(pair.fake.app()) as base_url,
        Cutroom(base_url, API_KEY, sleep=pair.waited_s.append) as client,
    ):
        assert client.job("job-1").id == "job-1"


def test_a_wait_is_a_preference_that_is_sent_and_no_wait_is_none(pair):
    pair.client.submit("export.framing", {}, wait_s=5)
    pair.client.submit("export.framing", {})
    waited, not_waited = pair.fake.requests("/v1/jobs")
    assert waited["prefer"] == "wait=5"
    assert "prefer" not in not_waited
