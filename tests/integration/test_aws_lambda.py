"""The Lambda entrypoint: events of an HTTP API in, answers out; a schedule's event ticks."""

import asyncio
import json

import pytest

from gateway.entrypoints.aws_lambda import LambdaHandler
from tests.support.jobs import memory_stores
from tests.support.world import World


@pytest.fixture
def loop():
    with asyncio.Runner() as runner:
        yield runner
    asyncio.set_event_loop(None)


@pytest.fixture
def world(loop, tmp_path):
    stores = memory_stores(tmp_path)
    opened = loop.run(stores.__aenter__())
    yield World(opened, tmp_path)
    loop.run(stores.__aexit__(None, None, None))


@pytest.fixture
def handler(world):
    handler = LambdaHandler(world.gateway)
    yield handler
    handler.close()


def an_event(method, path, headers, body=None):
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", **headers},
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}},
        "body": json.dumps(body) if body else None,
        "isBase64Encoded": False,
    }


def test_a_job_posted_is_asked_of_runpod_before_the_answer(loop, world, handler):
    headers = {name.lower(): value for name, value in loop.run(world.a_key()).items()}
    job = {"kind": "test.copy", "input": {"n": 1}}
    accepted = handler(an_event("POST", "/v1/jobs", headers, job), None)
    job_id = json.loads(accepted["body"])["id"]
    read = handler(an_event("GET", f"/v1/jobs/{job_id}", headers), None)
    assert accepted["statusCode"] == 202
    assert json.loads(read["body"])["waiting_for"] == "worker"
    assert len(world.compute.submitted) == 1


def test_a_schedules_event_ticks(loop, world, handler):
    job_id = loop.run(world.submit(deadline_s=5))
    world.clock.move(6)
    answer = handler({"source": "aws.events", "detail-type": "Scheduled Event"}, None)
    assert answer == {"statusCode": 202}
    assert loop.run(world.job(job_id)).status == "expired"


def test_a_request_that_is_refused_is_a_problem_here_too(handler):
    answer = handler(an_event("POST", "/v1/jobs", {}, {"kind": "x", "input": {}}), None)
    assert answer["statusCode"] == 401
    assert json.loads(answer["body"])["code"] == "unauthenticated"
