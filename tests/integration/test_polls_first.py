"""A cold start on Lambda: status polls are answered before the gateway is whole."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.bootstrap import build_gateway
from gateway.bootstrap_adapters import sqlite_adapters
from gateway.bootstrap_polls import build_polls
from gateway.entrypoints.aws_lambda import LambdaHandler
from gateway.entrypoints.polls_first import PollsFirst
from gateway.services.job_request import JobRequest
from gateway.settings import on_lambda, settings_from
from shared.errors import TryAgainLater
from shared.kinds import load_kinds
from tests.support.jobs import memory_stores
from tests.support.lambda_events import an_event
from tests.support.variables import A_KEY
from tests.support.world import COPY, World, settings_of

ORIGIN = "https://app.test"
# What anything but a status poll needs, some of it ours and some of it others'.
NOT_FOR_A_POLL = {
    *("gateway.bootstrap", "gateway.wiring", "gateway.api.jobs", "gateway.api.work"),
    *("gateway.api.uploads", "gateway.api.products.exports.surface"),
    *("gateway.services.submit_job", "gateway.services.uploads", "gateway.services.tick"),
    *("gateway.adapters.runpod", "gateway.adapters.r2.objects", "gateway.adapters.sql.uploads"),
    *("gateway.adapters.sql.assets", "gateway.adapters.sql.upload_sweep"),
    *("shared.work", "shared.kinds.export.framing", "shared.render.plan"),
    *("boto3", "fastapi", "httpx", "prometheus_client", "pydantic.v1", "dotenv", "uvicorn"),
}


@pytest.fixture
def loop():
    with asyncio.Runner() as runner:
        yield runner
    asyncio.set_event_loop(None)


@pytest.fixture
def world(loop, tmp_path):
    stores = memory_stores(tmp_path)
    opened = loop.run(stores.__aenter__())
    settings = on_lambda(settings_of(tmp_path, cors_origins=(ORIGIN,)))
    yield World(
        opened,
        tmp_path,
        limits=settings.limits,
        timings=settings.timings,
        cors_origins=settings.cors_origins,
    )
    loop.run(stores.__aexit__(None, None, None))


class Built:
    """Builds the whole gateway, and knows how often it did."""

    def __init__(self, world, polls):
        self.world = world
        self.polls = polls
        self.times = 0

    def __call__(self):
        self.times += 1
        return self.world.boot(self.polls.services)


@pytest.fixture
def polls(world):
    return build_polls(world.settings, world.adapters())


@pytest.fixture
def built(world, polls):
    return Built(world, polls)


@pytest.fixture
def handler(polls, built):
    handler = LambdaHandler(PollsFirst(built, polls))
    yield handler
    handler.close()


@pytest.fixture
def whole(world):
    handler = LambdaHandler(PollsFirst(lambda: world.gateway))
    yield handler
    handler.close()


@pytest.fixture
def key(loop, world):
    return {name.lower(): value for name, value in loop.run(world.a_key()).items()}


@pytest.fixture
def job_id(loop, world):
    return loop.run(world.submit(labels={"name": "Müller"}))


def asked_of(key, job_id):
    """Return each way of asking that has an answer of its own: path, headers, query."""
    path = f"/v1/jobs/{job_id}"
    return {
        "a good key": (path, key, ""),
        "another page's origin": (path, key | {"origin": "https://else.test"}, ""),
        "a page of ours": (path, key | {"origin": ORIGIN}, ""),
        "a wait that is cut": (path, key | {"prefer": "wait=0"}, ""),
        "no key": (path, {}, ""),
        "a forged key": (path, {"authorization": "Bearer ck_a_b"}, ""),
        "a forged ticket": (path, {}, "ticket=tj_default.9999999999." + "a" * 52),
        "an unknown job": ("/v1/jobs/none", key, ""),
        "a body where none belongs": (path, key | {"content-length": "4"}, ""),
    }


ASKED = tuple(asked_of({}, ""))


@pytest.mark.parametrize("way", ASKED)
def test_a_poll_is_answered_as_the_whole_gateway_answers_it(
    handler, whole, built, key, job_id, way
):
    path, headers, query = asked_of(key, job_id)[way]
    event = an_event("GET", path, headers | {"x-request-id": "request-1"}, query=query)
    first, again = handler(event, None), whole(event, None)
    assert first == again
    assert built.times == 0


def test_a_poll_finds_the_job_with_all_that_is_known_of_it(handler, key, job_id):
    answer = handler(an_event("GET", f"/v1/jobs/{job_id}", key), None)
    shown = json.loads(answer["body"])
    assert (shown["id"], shown["status"], shown["position"]) == (job_id, "queued", 0)
    assert shown["labels"] == {"name": "Müller"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/jobs"),
        ("GET", "/v1/jobs/j1/events"),
        ("GET", "/v1/nothing"),
        ("DELETE", "/v1/jobs/j1"),
        ("OPTIONS", "/v1/jobs/j1"),
        ("HEAD", "/v1/jobs/j1"),
        ("GET", "/api/jobs/j1"),
    ],
)
def test_all_else_is_answered_by_the_whole_gateway(handler, whole, built, key, method, path):
    event = an_event(method, path, key | {"x-request-id": "request-1"})
    assert handler(event, None) == whole(event, None)
    assert built.times == 1


def test_it_is_built_once_and_all_answers_are_counted_together(
    handler, built, polls, key, job_id
):
    poll = an_event("GET", f"/v1/jobs/{job_id}", key)
    for event in (poll, an_event("GET", "/v1/kinds", key), poll, poll):
        assert handler(event, None)["statusCode"] == 200
    assert built.times == 1
    assert polls.services.figures.answered == {
        ("/v1/jobs/{job_id}", "GET", 200): 3,
        ("/v1/kinds", "GET", 200): 1,
    }


def test_a_schedules_event_makes_it_whole(handler, built):
    assert handler({"source": "aws.events"}, None) == {"statusCode": 202}
    assert built.times == 1


def test_one_that_could_not_be_started_is_tried_again_at_the_next_request(
    world, handler, built, key
):
    failing = [TryAgainLater("the database is away", public=""), None]

    async def seed(_keys, _at):
        if error := failing.pop(0):
            raise error

    world.keys.seed = seed
    event = an_event("GET", "/v1/kinds", key)
    assert handler(event, None)["statusCode"] == 500
    assert handler(event, None)["statusCode"] == 200
    assert failing == []


def test_a_status_poll_from_import_to_answer_loads_nothing_else(loop, tmp_path):
    environment = {
        "CUTROOM_ENVIRONMENT": "development",
        "CUTROOM_DATABASE_PATH": str(tmp_path / "cutroom.db"),
        "CUTROOM_PUBLIC_BASE_URL": "http://127.0.0.1:1",
        "CUTROOM_TOKEN_SECRET": "t" * 40,
        "CUTROOM_API_KEYS": A_KEY,
    }
    job_id = loop.run(a_job_in(settings_from(environment)))
    code = (
        "import json, sys\n"
        "from gateway.entrypoints.aws_lambda import handler\n"
        "answer = handler(json.loads(sys.argv[1]), None)\n"
        "print(json.dumps([answer['statusCode'], *sys.modules]), file=sys.stderr)"
    )
    event = an_event("GET", f"/v1/jobs/{job_id}", {"x-api-key": A_KEY})
    ran = subprocess.run(
        [sys.executable, "-c", code, json.dumps(event)],
        env=environment | {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    status, *loaded = json.loads(ran.stderr.splitlines()[-1])
    assert status == 200
    assert not NOT_FOR_A_POLL & set(loaded)


async def a_job_in(settings):
    """Leave a queued job in a database, as a gateway did that is gone."""
    adapters = sqlite_adapters(settings)
    gateway = build_gateway(settings, adapters, offered={**load_kinds(), COPY.name: COPY})
    await gateway.start()
    asked = JobRequest(kind=COPY.name, input={"n": 1})
    submitted = await gateway.app.state.job_use_cases.submit("default", asked, trace="t")
    await adapters.close()
    return submitted.job.id
