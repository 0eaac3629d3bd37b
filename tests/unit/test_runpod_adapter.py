"""What RunPod's adapter sends, and what it makes of each answer."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gateway.adapters.runpod import RunPodCompute
from gateway.ports.compute import (
    ComputeRefused,
    ComputeState,
    ComputeUnavailable,
    SubmitRefused,
    SubmitRequest,
    SubmitUncertain,
)

KEY = "rp-secret-key"
REQUEST = SubmitRequest("abc123", {"v": 1, "token": "secret-token"}, 60.0, 3600.0)
STRANGE_IDS = ["..", "../run", "%3F", "%2e%2e", "x?y", "x/../y", "a#b", "", "a" * 129, ".", "é"]

Answering = Callable[[httpx.Request], httpx.Response]


class Recorded:
    """A RunPod that answers as told and keeps what it was sent."""

    def __init__(self, answer: Answering) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer
        self.compute = RunPodCompute(
            "http://http-edge.example/v2/", KEY, transport=httpx.MockTransport(self._take)
        )

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answer(request)


def answering(status: int, body: Any = None, **headers: str) -> Recorded:
    return Recorded(lambda _: httpx.Response(status, json=body, headers=headers))


def raising(error: Exception) -> Recorded:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return Recorded(answer)


async def test_submit_sends_the_input_and_the_policy_and_nothing_else() -> None:
    runpod = answering(200, {"id": "u1-e1", "status": "IN_QUEUE"})

    runpod_id = await runpod.compute.submit(REQUEST)

    (sent,) = runpod.requests
    assert runpod_id == "u1-e1"
    assert sent.headers["Authorization"] == f"Bearer {KEY}"
    assert json.loads(sent.content) == {
        "input": {"v": 1, "token": "secret-token"},
        "policy": {"executionTimeout": 60_000, "ttl": 3_600_000},
    }


async def test_d118_only_the_path_is_added_to_the_base_url() -> None:
    runpod = answering(200, {"id": "u1-e1"})

    await runpod.compute.submit(REQUEST)

    assert str(runpod.requests[0].url) == "http://http-edge.example/v2/abc123/run"


@pytest.mark.parametrize(
    ("run_s", "ttl_s", "policy"),
    [
        (1.0, 2.0, {"executionTimeout": 5_000, "ttl": 10_000}),
        (12.0001, 30.5, {"executionTimeout": 12_001, "ttl": 30_500}),
        (1e9, 1e9, {"executionTimeout": 604_800_000, "ttl": 604_800_000}),
    ],
    ids=["shortest", "rounded up", "longest"],
)
async def test_the_policy_keeps_to_runpods_bounds(
    run_s: float, ttl_s: float, policy: dict[str, int]
) -> None:
    runpod = answering(200, {"id": "u1-e1"})

    await runpod.compute.submit(replace(REQUEST, execution_timeout_s=run_s, ttl_s=ttl_s))

    assert json.loads(runpod.requests[0].content)["policy"] == policy


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520])
async def test_d106_these_answers_leave_a_submit_uncertain(status: int) -> None:
    with pytest.raises(SubmitUncertain):
        await answering(status).compute.submit(REQUEST)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("gone"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_d106_no_answer_leaves_a_submit_uncertain(error: Exception) -> None:
    runpod = raising(error)

    with pytest.raises(SubmitUncertain):
        await runpod.compute.submit(REQUEST)

    assert len(runpod.requests) == 1  # the outbox repeats, not the adapter


@pytest.mark.parametrize("status", [301, 400, 401, 402, 403, 404, 413, 422])
async def test_d106_these_answers_refuse_a_submit(status: int) -> None:
    with pytest.raises(SubmitRefused, match=str(status)):
        await answering(status).compute.submit(REQUEST)


@pytest.mark.parametrize("body", [None, [], {}, {"id": 7}, {"id": ""}, {"id": "../x"}])
async def test_an_acceptance_without_a_usable_id_is_uncertain(body: Any) -> None:
    with pytest.raises(SubmitUncertain):
        await answering(200, body).compute.submit(REQUEST)


@pytest.mark.parametrize(
    ("header", "retry_after_s"),
    [
        ("7", 7),
        ("0", 0),
        ("999999", 300),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-1", None),
    ],
)
async def test_retry_after_is_read_as_seconds(header: str, retry_after_s: int | None) -> None:
    runpod = answering(429, **{"Retry-After": header})

    with pytest.raises(SubmitUncertain) as caught:
        await runpod.compute.submit(REQUEST)

    assert caught.value.retry_after_s == retry_after_s


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("IN_QUEUE", ComputeState.WAITING),
        ("IN_PROGRESS", ComputeState.RUNNING),
        ("RUNNING", ComputeState.RUNNING),
        ("COMPLETED", ComputeState.COMPLETED),
        ("FAILED", ComputeState.FAILED),
        ("CANCELLED", ComputeState.CANCELLED),
        ("TIMED_OUT", ComputeState.TIMED_OUT),
        ("REBALANCING", ComputeState.UNKNOWN),
    ],
)
async def test_each_word_has_a_state_and_a_new_word_ends_nothing(
    word: str, state: ComputeState
) -> None:
    status = await answering(200, {"id": "u1", "status": word}).compute.status("abc123", "u1")

    assert status.state is state


async def test_status_tells_worker_and_times_in_seconds() -> None:
    body = {"status": "COMPLETED", "workerId": "w1", "delayTime": 1500, "executionTime": 250}

    status = await answering(200, body).compute.status("abc123", "u1")

    assert (status.worker_id, status.delay_s, status.execution_s) == ("w1", 1.5, 0.25)


@pytest.mark.parametrize("odd", [None, "12", True, -1, [], 10**400])
async def test_odd_times_are_left_out(odd: Any) -> None:
    body = {"status": "IN_PROGRESS", "workerId": odd, "delayTime": odd, "executionTime": odd}

    status = await answering(200, body).compute.status("abc123", "u1")

    assert (status.delay_s, status.execution_s) == (None, None)


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
async def test_an_error_about_a_job_is_no_news_of_the_job(status: int) -> None:
    runpod = answering(status)

    with pytest.raises(ComputeUnavailable):
        await runpod.compute.status("abc123", "u1")
    with pytest.raises(ComputeUnavailable):
        await runpod.compute.cancel("abc123", "u1")


@pytest.mark.parametrize("body", [None, [], {}, {"status": 3}])
async def test_a_status_without_a_word_is_no_news(body: Any) -> None:
    with pytest.raises(ComputeUnavailable):
        await answering(200, body).compute.status("abc123", "u1")


async def test_a_404_means_gone_and_ends_a_cancel_well() -> None:
    runpod = answering(404, {"error": "job not found"})

    await runpod.compute.cancel("abc123", "u1")

    assert (await runpod.compute.status("abc123", "u1")).state is ComputeState.GONE


@pytest.mark.parametrize("strange", STRANGE_IDS)
async def test_d119_an_id_that_is_none_of_runpods_reaches_no_other_resource(
    strange: str,
) -> None:
    runpod = answering(200, {"status": "COMPLETED"})

    status = await runpod.compute.status("abc123", strange)
    await runpod.compute.cancel("abc123", strange)

    assert status.state is ComputeState.GONE
    assert runpod.requests == []


@pytest.mark.parametrize("strange", STRANGE_IDS)
async def test_d119_a_strange_endpoint_is_never_asked(strange: str) -> None:
    runpod = answering(200, {"id": "u1", "status": "COMPLETED"})

    with pytest.raises(SubmitRefused):
        await runpod.compute.submit(replace(REQUEST, endpoint=strange))
    with pytest.raises(ComputeUnavailable):
        await runpod.compute.status(strange, "u1")

    assert runpod.requests == []


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_health_tells_what_only_an_operator_can_mend(status: int) -> None:
    with pytest.raises(ComputeRefused, match=str(status)):
        await answering(status).compute.health("abc123")


async def test_health_counts_jobs_and_workers() -> None:
    body = {
        "jobs": {"completed": 1, "inProgress": 2, "inQueue": 3},
        "workers": {"idle": 4, "running": 5},
    }

    health = await answering(200, body).compute.health("abc123")

    assert (health.jobs_queued, health.jobs_running) == (3, 2)
    assert (health.workers_idle, health.workers_running) == (4, 5)


async def test_neither_key_nor_token_is_shown_by_errors_or_logs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    runpod = raising(httpx.ReadTimeout("slow"))

    with pytest.raises(SubmitUncertain) as caught:
        await runpod.compute.submit(REQUEST)

    shown = f"{caught.value} {caught.value.__cause__} {runpod.compute!r} {caplog.text}"
    assert KEY not in shown
    assert "secret-token" not in shown


async def test_a_closed_adapter_opens_anew() -> None:
    runpod = answering(200, {"id": "u1-e1"})
    await runpod.compute.submit(REQUEST)

    await runpod.compute.aclose()
    await runpod.compute.aclose()

    assert await runpod.compute.submit(REQUEST) == "u1-e1"
