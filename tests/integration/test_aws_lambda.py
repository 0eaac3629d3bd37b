"""The Lambda entrypoint: events of an HTTP API in, answers out; a schedule's event ticks."""

import asyncio
import base64
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters.memory.compute import MemoryCompute
from gateway.entrypoints.aws_lambda import TICK_EVERY_S, TICK_WITHIN_S, LambdaHandler
from gateway.entrypoints.buffered import EffectsBeforeAnswer
from gateway.entrypoints.no_sockets import refuse_sockets
from gateway.entrypoints.polls_first import PollsFirst
from gateway.ports.compute import ComputeState
from gateway.settings import on_lambda
from shared.errors import TryAgainLater
from tests.support.jobs import memory_stores
from tests.support.lambda_events import an_event
from tests.support.world import World, settings_of

SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event"}
JOB = {"kind": "test.copy", "input": {"n": 1}}
LOST = 60.0  # seconds of silence


@pytest.fixture
def loop():
    with asyncio.Runner() as runner:
        yield runner
    asyncio.set_event_loop(None)


@pytest.fixture
def world(loop, tmp_path):
    stores = memory_stores(tmp_path)
    opened = loop.run(stores.__aenter__())
    settings = on_lambda(settings_of(tmp_path))
    yield World(opened, tmp_path, limits=settings.limits, timings=settings.timings)
    loop.run(stores.__aexit__(None, None, None))


def the_whole(gateway):
    """A gateway that is whole from the first request on."""
    refuse_sockets(gateway.app)
    return PollsFirst(lambda: gateway)


@pytest.fixture
def handler(world):
    handler = LambdaHandler(the_whole(world.gateway))
    yield handler
    handler.close()


@pytest.fixture
def key(loop, world):
    return {name.lower(): value for name, value in loop.run(world.a_key()).items()}


def test_a_job_posted_is_asked_of_runpod_before_the_answer(world, handler, key):
    accepted = handler(an_event("POST", "/v1/jobs", key, JOB), None)
    job_id = json.loads(accepted["body"])["id"]
    read = handler(an_event("GET", f"/v1/jobs/{job_id}", key), None)
    assert accepted["statusCode"] == 202
    assert json.loads(read["body"])["waiting_for"] == "worker"
    assert len(world.compute.submit_calls) == 1


def test_a_request_that_is_refused_is_a_problem_here_too(handler):
    answer = handler(an_event("POST", "/v1/jobs", {}, {"kind": "x", "input": {}}), None)
    assert answer["statusCode"] == 401
    assert json.loads(answer["body"])["code"] == "unauthenticated"
    assert answer["isBase64Encoded"] is False


# -- what goes in and out ------------------------------------------------------


def test_a_body_in_base64_is_read_as_its_bytes(handler, key):
    body = base64.b64encode(json.dumps({**JOB, "labels": {"name": "Müller"}}).encode()).decode()
    event = an_event("POST", "/v1/jobs", key) | {"body": body, "isBase64Encoded": True}
    answer = handler(event, None)
    assert answer["statusCode"] == 202
    assert json.loads(answer["body"])["labels"] == {"name": "Müller"}


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"{", b""])
def test_bytes_that_are_no_json_are_a_problem_of_the_callers(handler, key, body):
    event = an_event("POST", "/v1/jobs", key)
    event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    answer = handler(event, None)
    assert answer["statusCode"] == 422
    assert json.loads(answer["body"])["code"] == "validation_failed"


@pytest.mark.parametrize("cookies", [{}, {"cookies": []}, {"cookies": ["a=b", "c=d"]}])
def test_cookies_are_neither_needed_nor_set(handler, key, cookies):
    answer = handler(an_event("GET", "/v1/kinds", key, **cookies), None)
    assert answer["statusCode"] == 200
    assert answer.get("cookies", []) == []


def test_an_assets_content_is_a_redirect_to_the_bucket(loop, world, handler, key):
    asset_id = loop.run(world.an_asset())
    answer = handler(an_event("GET", f"/v1/assets/{asset_id}/content", key), None)
    assert answer["statusCode"] == 307
    assert answer["headers"]["location"].startswith("memory://objects/default/uploads/")
    assert answer["body"] == ""


def test_metrics_leave_as_text(handler, key):
    answer = handler(an_event("GET", "/metrics", key), None)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert "cutroom_database_up 1.0" in answer["body"]


# -- holding, and what cannot be held ------------------------------------------


def test_a_wait_is_cut_to_5_s_and_effects_are_performed_meanwhile(world, handler, key):
    world.compute.refuse_submits()  # which ends the job, as soon as it is asked for
    answer = handler(an_event("POST", "/v1/jobs", key | {"prefer": "wait=20"}, JOB), None)
    assert answer["headers"]["preference-applied"] == "wait=5"
    assert json.loads(answer["body"])["status"] == "failed"


def test_who_asks_for_a_stream_gets_a_page_of_the_poll(loop, world, handler, key):
    job_id = loop.run(world.submit())
    loop.run(world.gateway.perform())
    asked = key | {"accept": "text/event-stream"}
    answer = handler(an_event("GET", f"/v1/jobs/{job_id}/events", asked), None)
    assert answer["headers"]["content-type"] == "application/json"
    page = json.loads(answer["body"])
    assert [event["type"] for event in page["events"]] == ["queued"]
    asked["last-event-id"] = str(page["next_after"])
    resumed = handler(an_event("GET", f"/v1/jobs/{job_id}/events", asked), None)
    assert json.loads(resumed["body"])["events"] == []


@pytest.mark.parametrize("path", ["/v1/jobs/j1/live", "/ws/export/j1", "/api/jobs/j1/ws"])
def test_who_asks_for_a_socket_is_told_what_to_do_instead(handler, key, path):
    asked = key | {"connection": "upgrade", "upgrade": "websocket"}
    answer = handler(an_event("GET", path, asked), None)
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["code"]) == (404, "no_sockets_here")
    assert "/v1/jobs/{job_id}/events" in body["detail"]


def test_limits_that_are_narrower_already_stay(tmp_path):
    own = settings_of(tmp_path)
    limits = own.limits.model_copy(update={"wait_s_max": 2.0})
    timings = own.timings.model_copy(update={"gap_s": 300.0})
    held = on_lambda(own.model_copy(update={"limits": limits, "timings": timings}))
    assert (held.limits.wait_s_max, held.timings.gap_s) == (2.0, 300.0)
    plain = on_lambda(own)
    assert (plain.limits.wait_s_max, plain.timings.gap_s) == (5.0, 120.0)


# -- effects -------------------------------------------------------------------


class Unanswering(MemoryCompute):
    """A RunPod that never answers a submit."""

    async def submit(self, request):
        self.submit_calls.append(request)
        await asyncio.Event().wait()


def test_effects_that_take_too_long_are_left_to_a_tick_and_the_answer_stands(loop, world, key):
    world.compute, answering = Unanswering(), world.compute
    world.gateway = world.boot()
    handler = LambdaHandler(the_whole(world.gateway))
    handler._http.app = EffectsBeforeAnswer(world.gateway.app, world.gateway, within_s=0.01)
    answer = handler(an_event("POST", "/v1/jobs", key, JOB), None)
    handler.close()
    assert answer["statusCode"] == 202
    assert len(world.compute.submit_calls) == 1
    world.compute = answering
    loop.run(world.boot().tick())
    assert len(answering.submit_calls) == 1


def test_an_outbox_that_cannot_be_read_does_not_take_an_answer_back(world, key, caplog):
    async def away():
        raise TryAgainLater("the database is away", public="")

    handler = LambdaHandler(the_whole(replace(world.gateway, perform=away)))
    with caplog.at_level("WARNING"):
        answer = handler(an_event("POST", "/v1/jobs", key, JOB), None)
    handler.close()
    assert answer["statusCode"] == 202
    assert caplog.messages == ["effects.left_to_tick"]


def test_nothing_runs_between_events(handler, key):
    handler(an_event("POST", "/v1/jobs", key, JOB), None)
    handler(SCHEDULED, None)
    assert asyncio.all_tasks(handler._loop) == set()


# -- the schedule --------------------------------------------------------------


class Passing:
    """Time that passes when somebody sleeps, and what happens at each such moment."""

    def __init__(self, world):
        self.world = world
        self.slept: list[float] = []
        self.happens = {}

    def seconds(self) -> float:
        return self.world.clock.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.world.clock.move(seconds)
        if len(self.slept) in self.happens:
            await self.happens[len(self.slept)]()


@pytest.fixture
def passing(world):
    return Passing(world)


@pytest.fixture
def ticking(world, passing):
    handler = LambdaHandler(
        the_whole(world.gateway), seconds=passing.seconds, sleep=passing.sleep
    )
    loop_of_its_own(handler)
    yield handler
    handler.close()


def loop_of_its_own(handler):
    """Start on the handler's own loop now, in which the clock will pass."""
    handler._loop.run_until_complete(handler._app.gateway())


def test_a_schedules_event_ticks_once_where_no_attempt_is_open(loop, world, ticking, passing):
    job_id = loop.run(world.submit(deadline_s=5))
    world.clock.move(6)
    assert ticking(SCHEDULED, None) == {"statusCode": 202}
    assert loop.run(world.job(job_id)).status == "expired"
    assert passing.slept == []


def test_it_goes_on_ticking_while_an_attempt_is_open(loop, world, ticking, passing):
    _, worker = loop.run(world.dispatched())
    loop.run(worker.claim())
    ticking(SCHEDULED, None)
    assert passing.slept == [TICK_EVERY_S] * len(passing.slept)
    assert TICK_WITHIN_S - 2 * TICK_EVERY_S < sum(passing.slept) < TICK_WITHIN_S


def test_it_stops_once_the_last_attempt_has_ended(loop, world, ticking, passing):
    _, worker = loop.run(world.dispatched())
    loop.run(worker.claim())
    passing.happens[3] = worker.finish
    ticking(SCHEDULED, None)
    assert len(passing.slept) == 3


def test_an_attempt_that_runpod_ended_is_found_and_tried_again_within_one_event(
    loop, world, ticking
):
    job_id, worker = loop.run(world.dispatched())
    loop.run(worker.claim())
    world.compute.set_state(worker.runpod_id, ComputeState.FAILED)
    ticking(SCHEDULED, None)
    assert "requeued" in loop.run(world.events(job_id))
    assert len(world.compute.submit_calls) == 2


def test_a_minute_between_two_ticks_is_the_workers_silence_not_ours(loop, world, ticking):
    job_id, worker = loop.run(world.dispatched())
    loop.run(worker.claim())
    world.clock.move(LOST)
    ticking(SCHEDULED, None)
    assert loop.run(world.events(job_id))[:3] == ["queued", "started", "requeued"]


def an_ended_job_that_is_told(loop, world):
    endpoints = world.gateway.app.state.webhook_endpoints
    loop.run(endpoints.create("default", "https://hooks.example.com/", ["all"], ""))
    job_id = loop.run(world.submit())
    loop.run(world.cases.cancel("default", job_id))


def test_a_schedules_event_sends_what_its_tick_leaves_for_webhooks(loop, world, ticking):
    an_ended_job_that_is_told(loop, world)
    ticking(SCHEDULED, None)
    assert world.outgoing.connections[0] == ("8.8.8.8", 443)


def test_deliveries_that_go_wrong_end_no_tick(loop, world, passing, caplog):
    async def deliver():
        raise ValueError("a mistake of ours")

    an_ended_job_that_is_told(loop, world)
    gateway = replace(world.gateway, deliver=deliver)
    handler = LambdaHandler(the_whole(gateway), seconds=passing.seconds, sleep=passing.sleep)
    assert handler(SCHEDULED, None) == {"statusCode": 202}
    handler.close()
    assert "courier.failed" in [each.msg for each in caplog.records]


def test_a_tick_that_fails_is_tried_again_in_its_time(loop, world, passing):
    failing = [True, True, False]

    async def tick():
        if failing.pop(0):
            raise TryAgainLater("the database is away", public="")

    gateway = replace(world.gateway, tick=tick)
    handler = LambdaHandler(the_whole(gateway), seconds=passing.seconds, sleep=passing.sleep)
    assert handler(SCHEDULED, None) == {"statusCode": 202}
    handler.close()
    assert failing == []
    assert len(passing.slept) == 2


# -- as the runtime starts it --------------------------------------------------


def test_the_runtimes_handler_builds_from_the_environment_at_its_first_event(tmp_path):
    code = (
        "import json, sys\n"
        "from gateway.entrypoints.aws_lambda import handler\n"
        "answer = handler(json.loads(sys.argv[1]), None)\n"
        "print(json.dumps(answer), file=sys.stderr)"
    )
    environment = {
        "ENVIRONMENT": "development",
        "DATABASE_URL": f"sqlite:///{tmp_path}/cutroom.db",
        "CUTROOM_PUBLIC_BASE_URL": "http://127.0.0.1:1",
        "CUTROOM_TOKEN_SECRET": "t" * 40,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "the-roles",
        "AWS_SECRET_ACCESS_KEY": "the-roles",
        "AWS_SESSION_TOKEN": "the-roles",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path.cwd()),
    }
    event = json.dumps(an_event("GET", "/healthz", {}))
    ran = subprocess.run(
        [sys.executable, "-c", code, event],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stderr.splitlines()[-1])["statusCode"] == 200
