"""Webhooks from a job's end to a receiver's socket, whatever stands in the way."""

import asyncio
import json
import logging
from datetime import timedelta

import pytest

from gateway.core.effects import announce
from gateway.ports.webhook_endpoint_store import EndpointChange
from gateway.services import deliver_webhooks
from tests.support.jobs import NOON
from tests.support.receivers import receiving, says, says_nothing
from tests.support.webhooks import ENDPOINTS, a_desk, signed_by

HOUR_S = 3600.0


@pytest.fixture
async def desk(tmp_path):
    async with a_desk(tmp_path) as desk:
        yield desk


class Moody:
    """Answers with each status in turn, then with the last one for ever."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)

    async def __call__(self, heard, writer):
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        await says(status)(heard, writer)


async def let_pass(desk, seconds, step_s):
    """Move the clock, delivering at each step."""
    for _ in range(int(seconds / step_s)):
        desk.world.clock.move(step_s)
        await desk.sent()


async def test_a_jobs_end_reaches_its_endpoint_signed_and_says_what_its_event_says(desk):
    async with receiving(says(204)) as receiver:
        endpoint_id = await desk.register(receiver)
        job_id, worker = await desk.world.dispatched(labels={"clip": "7"})
        await worker.claim()
        await worker.finish()
        await desk.sent()
        [heard] = receiver.heard
    [*_, last] = await desk.world.stores.events.read(job_id, -1, 100)
    said = json.loads(heard.body)
    assert heard.line == "POST /in HTTP/1.1"
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["webhook-id"] == f"evt_{job_id}"
    assert signed_by(desk.secrets[endpoint_id], heard)
    assert said["type"] == "job.succeeded"
    assert said["data"] == {"job": json.loads(last.body)["job"]}
    assert not {"input", "cost", "url"} & said["data"]["job"].keys()
    assert "url" not in said["data"]["job"]["outputs"][0]


async def test_each_way_to_end_is_told_once(desk):
    async with receiving(says(204)) as receiver:
        await desk.register(receiver)
        cancelled = await desk.ended_job()
        failed, worker = await desk.world.dispatched()
        await worker.claim()
        await worker.fail("input_unreadable")
        expired = await desk.world.submit(deadline_s=5)
        await desk.world.pass_time(10)
        await desk.sent()
        await desk.sent()
        told = {(json.loads(h.body)["type"], h.headers["webhook-id"]) for h in receiver.heard}
        count = len(receiver.heard)
    ends = {"cancelled": cancelled, "expired": expired, "failed": failed}
    assert told == {(f"job.{end}", f"evt_{job_id}") for end, job_id in ends.items()}
    assert count == 3


async def test_an_endpoint_hears_of_what_it_asked_for_and_other_tenants_of_nothing(desk):
    async with receiving(says(204)) as some, receiving(says(204)) as theirs:
        await desk.register(some, events=["job.failed", "budget.alert"])
        other = await desk.world.a_key("other")
        url = f"http://127.0.0.1:{theirs.port}/"
        await desk.http.post(ENDPOINTS, json={"url": url}, headers=other)
        await desk.ended_job()
        alert = announce("evt_b1", "default", "budget.alert", {"spent_usd": "8"}, NOON)
        await desk.world.stores.effects.add([alert, alert])
        await desk.sent()
        assert [json.loads(each.body)["data"] for each in some.heard] == [{"spent_usd": "8"}]
        assert theirs.heard == []


async def test_a_job_submitted_without_webhook_tells_nobody_and_so_does_its_retry(desk):
    async with receiving(says(204)) as receiver:
        await desk.register(receiver)
        job_id = await desk.ended_job(webhook=False)
        again = await desk.http.post(f"/v1/jobs/{job_id}/retry")
        await desk.world.cases.cancel("default", again.json()["id"])
        await desk.sent()
        assert receiver.heard == []


async def test_d99_a_receiver_that_is_down_for_three_tries_gets_the_event_once_under_one_id(
    desk,
):
    async with receiving(Moody(503, 500, 429, 200)) as receiver:
        endpoint_id = await desk.register(receiver)
        job_id = await desk.ended_job()
        await let_pass(desk, 600, 20)
        ids = {each.headers["webhook-id"] for each in receiver.heard}
        bodies = {each.body for each in receiver.heard}
        assert (len(receiver.heard), ids, len(bodies)) == (4, {f"evt_{job_id}"}, 1)
    [delivery] = await desk.deliveries(endpoint_id)
    codes = [each["status_code"] for each in delivery["attempts"]]
    assert (delivery["status"], codes) == ("delivered", [503, 500, 429, 200])
    assert delivery["next_attempt_at"] is None


async def test_d99_a_gateway_that_dies_between_the_end_and_the_sending_still_sends(desk):
    async with receiving(says(204)) as receiver:
        await desk.register(receiver)
        await desk.ended_job()
        desk.world.gateway = desk.world.boot()
        await desk.world.gateway.perform()
        desk.world.gateway = desk.world.boot()
        await desk.sent()
        assert len(receiver.heard) == 1


async def test_d99_a_gateway_that_dies_while_it_sends_is_succeeded_by_one_that_sends_again(
    desk,
):
    async with receiving(says_nothing) as receiver:
        await desk.register(receiver)
        await desk.ended_job()
        await desk.world.gateway.perform()
        now = desk.world.clock.now()
        [due] = await desk.world.stores.delivery_queue.due(now)
        until = now + timedelta(seconds=deliver_webhooks.LEASE_S)
        await desk.world.stores.delivery_queue.lease(due.endpoint_id, now, until, "dead", 10)
        assert await desk.world.gateway.deliver() == 0
    async with receiving(says(204)) as alive:
        url = {"url": f"http://127.0.0.1:{alive.port}/"}
        await desk.http.patch(f"{ENDPOINTS}/{due.endpoint_id}", json=url)
        desk.world.clock.move(deliver_webhooks.LEASE_S)
        assert await desk.world.gateway.deliver() == 1
        assert len(alive.heard) == 1


async def test_everything_is_delivered_after_an_outage_of_six_hours(desk):
    async with receiving(Moody(503)) as receiver:
        endpoint_id = await desk.register(receiver)
        job_ids = []
        for _ in range(4):
            job_ids.append(await desk.ended_job())
            await let_pass(desk, HOUR_S, HOUR_S / 4)
        await let_pass(desk, 2 * HOUR_S, HOUR_S / 4)
        refused = len(receiver.heard)
    async with receiving(says(200)) as back:
        await desk.world.stores.webhook_endpoints.change(
            "default", endpoint_id, _moved_to(back), desk.world.clock.now()
        )
        await let_pass(desk, 4 * HOUR_S, HOUR_S / 2)
        heard = [each.headers["webhook-id"] for each in back.heard]
    assert refused >= 4 * 5
    assert sorted(heard) == sorted(f"evt_{job_id}" for job_id in job_ids)
    deliveries = await desk.deliveries(endpoint_id)
    assert {each["status"] for each in deliveries} == {"delivered"}


def _moved_to(receiver):
    return EndpointChange(url=f"http://127.0.0.1:{receiver.port}/in")


async def test_after_a_day_a_delivery_is_dead_and_a_replay_brings_it_back(desk):
    async with receiving(Moody(500)) as receiver:
        endpoint_id = await desk.register(receiver)
        job_id = await desk.ended_job()
        await let_pass(desk, 25 * HOUR_S, HOUR_S)
        [dead] = await desk.deliveries(endpoint_id)
        tried = len(receiver.heard)
        await let_pass(desk, 24 * HOUR_S, 6 * HOUR_S)
        assert len(receiver.heard) == tried == dead["attempt_count"]
        assert (dead["status"], dead["next_attempt_at"]) == ("dead", None)
        async with receiving(says(200)) as mended:
            url = {"url": f"http://127.0.0.1:{mended.port}/"}
            await desk.http.patch(f"{ENDPOINTS}/{endpoint_id}", json=url)
            replay = f"{ENDPOINTS}/deliveries/{dead['id']}/replay"
            answer = await desk.http.post(replay)
            await desk.sent()
            [heard] = mended.heard
    [delivery] = await desk.deliveries(endpoint_id)
    assert (answer.status_code, answer.json()["status"]) == (200, "pending")
    assert heard.headers["webhook-id"] == f"evt_{job_id}"
    assert (delivery["status"], delivery["attempt_count"]) == ("delivered", tried + 1)


async def test_a_receiver_that_answers_410_is_told_nothing_more_until_it_is_enabled(desk):
    async with receiving(Moody(410, 204)) as receiver:
        endpoint_id = await desk.register(receiver)
        await desk.ended_job()
        await desk.sent()
        endpoint = await desk.read(endpoint_id)
        await desk.ended_job()
        await desk.sent()
        tested = await desk.http.post(f"{ENDPOINTS}/{endpoint_id}/test")
        assert len(receiver.heard) == 1
        await desk.http.patch(f"{ENDPOINTS}/{endpoint_id}", json={"enabled": True})
        await desk.ended_job()
        await desk.sent()
        assert len(receiver.heard) == 2
    assert (endpoint["enabled"], endpoint["disabled_for"]) == (False, "gone")
    assert (tested.status_code, tested.json()["code"]) == (409, "webhook_endpoint_disabled")


async def test_while_a_secret_is_rotated_both_sign_and_a_day_later_the_new_one_alone(desk):
    async with receiving(says(204)) as receiver:
        endpoint_id = await desk.register(receiver)
        old = desk.secrets[endpoint_id]
        answer = await desk.http.post(f"{ENDPOINTS}/{endpoint_id}/rotate")
        new = answer.json()["secret"]
        await desk.ended_job()
        await desk.sent()
        desk.world.clock.move(24 * HOUR_S)
        await desk.ended_job()
        await desk.sent()
        both, alone = receiver.heard
    assert [signed_by(each, both) for each in (old, new)] == [True, True]
    assert [signed_by(each, alone) for each in (old, new)] == [False, True]
    assert (await desk.read(endpoint_id))["previous_secret_until"] is None


async def test_d98_a_redirect_is_not_followed_and_counts_as_not_taken(desk):
    async with receiving(says(204)) as inside:
        away = says(307, location=f"http://127.0.0.1:{inside.port}/")
        async with receiving(away) as receiver:
            endpoint_id = await desk.register(receiver)
            await desk.ended_job()
            await desk.sent()
            assert (len(receiver.heard), inside.connections) == (1, 0)
    [delivery] = await desk.deliveries(endpoint_id)
    assert delivery["status"] == "pending"


@pytest.mark.parametrize("field", ["callback_url", "webhook_url", "webhook"])
async def test_d98_a_request_cannot_choose_who_is_told(desk, field):
    async with receiving(says(204)) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/"
        body = {"kind": "test.copy", "input": {"n": 1}, field: url}
        answer = await desk.http.post("/v1/jobs", json=body)
        await desk.sent()
        assert receiver.connections == 0
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_d16_an_endpoint_whose_name_leads_inside_later_is_not_called(desk):
    """Registered while its name was public; then it leads to what only we can reach."""
    async with receiving(says(204)) as receiver:
        endpoint_id = await desk.register(receiver)
        inside = EndpointChange(url="https://169.254.169.254/latest/")
        await desk.world.stores.webhook_endpoints.change("default", endpoint_id, inside, NOON)
        await desk.ended_job()
        await desk.sent()
        assert receiver.connections == 0
    [delivery] = await desk.deliveries(endpoint_id)
    [attempt] = delivery["attempts"]
    assert attempt["error"].startswith("target_not_allowed")
    assert (attempt["status_code"], delivery["status"]) == (None, "pending")


async def test_a_receiver_that_hangs_holds_up_no_other_and_no_effect(desk):
    async with receiving(says_nothing) as slow, receiving(says(204)) as quick:
        slow_id = await desk.register(slow)
        await desk.register(quick)
        for _ in range(10):
            await desk.ended_job()
        await desk.world.gateway.perform()
        delivering = asyncio.create_task(desk.world.gateway.deliver())
        await quick.has_heard(10)
        job_id = await desk.ended_job()
        await desk.world.gateway.perform()
        await quick.has_heard(11)
        hung = len(slow.heard)
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)
    assert hung == deliver_webhooks.AT_ONCE_PER_ENDPOINT
    assert quick.heard[-1].headers["webhook-id"] == f"evt_{job_id}"
    # A gateway that stops gives back what it was about to send.
    due = await desk.world.stores.delivery_queue.due(desk.world.clock.now())
    assert slow_id in {each.endpoint_id for each in due}


async def test_an_endpoint_that_fails_is_tried_one_delivery_at_a_time(desk):
    async def down(heard, writer):
        await (says(500) if len(failing.heard) == 1 else says_nothing)(heard, writer)

    async with receiving(down) as failing, receiving(says(204)) as quick:
        await desk.register(failing)
        await desk.register(quick)
        await desk.ended_job()
        await desk.sent()
        for _ in range(5):
            await desk.ended_job()
        await desk.world.gateway.perform()
        delivering = asyncio.create_task(desk.world.gateway.deliver())
        await quick.has_heard(6)
        await failing.has_heard(2)
        assert failing.connections == 2
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)


async def test_no_log_line_holds_an_address_a_secret_or_a_signature(desk, caplog):
    caplog.set_level(logging.DEBUG)
    async with receiving(Moody(500, 204)) as receiver:
        endpoint_id = await desk.register(receiver, "/t0psecret")
        rotated = await desk.http.post(f"{ENDPOINTS}/{endpoint_id}/rotate")
        await desk.ended_job()
        await let_pass(desk, 60, 10)
        signatures = " ".join(h.headers["webhook-signature"] for h in receiver.heard).split()
    ours = [each for each in caplog.records if each.name.startswith("gateway")]
    written = "\n".join(str({**vars(each), "m": each.getMessage()}) for each in ours)
    secrets = [desk.secrets[endpoint_id], rotated.json()["secret"], *signatures]
    assert {each.msg for each in ours} >= {"webhook.not_taken", "webhook.delivered"}
    assert not [each for each in (*secrets, "t0psecret", "whsec_") if each in written]


async def test_a_secret_stands_in_no_row(desk, tmp_path):
    async with receiving(says(204)) as receiver:
        endpoint_id = await desk.register(receiver)
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("cutroom.db*"))
    assert desk.secrets[endpoint_id].removeprefix("whsec_").encode() not in raw


async def test_a_deleted_job_is_told_of_and_then_leaves_no_snapshot(desk):
    async with receiving(Moody(500, 204)) as receiver:
        endpoint_id = await desk.register(receiver)
        job_id = await desk.ended_job()
        await desk.sent()
        assert (await desk.http.delete(f"/v1/jobs/{job_id}")).status_code == 204
        await desk.sent()
        pending = await desk.deliveries(endpoint_id)
        await let_pass(desk, 300, 30)
        assert len(receiver.heard) == 2
    assert [each["status"] for each in pending] == ["pending"]
    assert await desk.deliveries(endpoint_id) == []
    assert await desk.world.stores.jobs.get(job_id) is None


async def test_old_deliveries_are_forgotten_by_the_tick(desk):
    async with receiving(says(204)) as receiver:
        endpoint_id = await desk.register(receiver)
        await desk.ended_job()
        await desk.sent()
        desk.world.clock.move(desk.world.settings.timings.webhook_deliveries_kept_s + 1)
        await desk.world.gateway.tick()
    assert await desk.deliveries(endpoint_id) == []
