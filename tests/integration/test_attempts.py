"""Jobs through their attempts: what workers say, what they leave unsaid, what is believed."""

import json

import pytest

from gateway.core.job import Status
from gateway.ports.compute import ComputeState
from gateway.services.claim_job import ToldToStop
from shared.errors import (
    Conflict,
    NotFound,
    TryAgainLater,
    Unauthenticated,
    ValidationFailed,
)
from shared.work import MANIFEST, Final, OutputsRequest
from tests.support.jobs import STORES
from tests.support.world import VIDEO, Worker, a_world


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def world(request, tmp_path):
    async with a_world(request.param, tmp_path) as world:
        yield world


# -- the way of a job ---------------------------------------------------------------


async def test_a_job_goes_from_submission_to_success(world):
    job_id, worker = await world.dispatched()
    order = await worker.claim()
    await worker.report("progress", stage="render", progress=0.4)
    answer = await worker.finish()
    job = await world.job(job_id)
    view = await world.cases.view(job)
    assert (order.fence, order.kind, order.input["n"]) == (1, "test.copy", 1)
    assert answer.cancel is False
    assert (job.status, job.result) == ("succeeded", {"n": 1})
    assert await world.events(job_id) == ["queued", "started", "stage", "succeeded"]
    assert view["outputs"][0]["key"] == f"output/{job_id}/1/video.mp4"
    assert world.objects.get(view["outputs"][0]["url"]).body == VIDEO


async def test_runpod_is_told_ids_and_a_token_and_nothing_else(world):
    job_id, worker = await world.dispatched(labels={"secret": "prompt"})
    assert dict(worker.request.input) == {
        "v": 1,
        "job_id": job_id,
        "submission": "1",
        "claim_url": f"http://127.0.0.1:1/v1/work/{job_id}/claim",
        "token": worker.request.input["token"],
    }
    assert worker.request.execution_timeout_s == 100
    assert worker.request.ttl_s == 3600 + 600


async def test_the_work_order_gives_each_file_by_a_url_of_its_own(world):
    asset_id = await world.an_asset()
    _, worker = await world.dispatched(input={"n": 1, "source": {"asset_id": asset_id}})
    [file] = (await worker.claim()).files
    assert (file.name, file.size_bytes, file.etag) == ("source", len(VIDEO), "etag")
    assert file.url


async def test_a_probe_is_kept_with_the_asset(world):
    asset_id = await world.an_asset()
    _, worker = await world.dispatched(input={"n": 1, "source": {"asset_id": asset_id}})
    await worker.claim()
    await worker.report("probe", asset="source", sha256="a" * 64, probe={"frames": 3})
    asset = await world.uploads.get_asset("default", asset_id)
    assert (asset.sha256, asset.probe) == ("a" * 64, {"frames": 3})


# -- who may speak --------------------------------------------------------------------


async def test_a_claim_needs_the_submissions_own_token(world):
    _, worker = await world.dispatched()
    _, other = await world.dispatched()
    wrong = Worker(world, worker.runpod_id, worker.request)
    wrong.request = type(worker.request)(
        worker.request.endpoint,
        {**worker.request.input, "token": other.request.input["token"]},
        5,
        10,
    )
    with pytest.raises(Unauthenticated):
        await wrong.claim()


async def test_the_same_nonce_again_is_the_same_attempt(world):
    job_id, worker = await world.dispatched()
    first = await worker.claim("n1")
    again = await worker.claim("n1")
    assert (first.fence, first.token) == (again.fence, again.token)
    assert (await world.events(job_id)).count("started") == 1


async def test_d65_a_second_claimer_is_told_to_stop(world):
    _, worker = await world.dispatched()
    await worker.claim("n1")
    with pytest.raises(ToldToStop):
        await Worker(world, "r-again", worker.request).claim("n2")


async def test_d65_a_stale_workers_last_word_is_told_to_stop_and_changes_nothing(world):
    job_id, stale = await world.dispatched()
    await stale.claim()
    outputs = await stale.put("video")
    await world.pass_time(61)
    await world.pass_time(10)
    fresh = world.newest_worker()
    await fresh.claim()
    before = await world.job(job_id)
    with pytest.raises(ToldToStop):
        await stale.say(stale.final(outputs))
    assert await world.job(job_id) == before


async def test_an_attempt_called_lost_is_told_to_stop_though_no_higher_fence_exists(world):
    job_id, worker = await world.dispatched()
    await worker.claim("n1")
    await world.pass_time(60)
    assert (await world.job(job_id)).fence == 1
    for word in (worker.report("heartbeat"), worker.claim("n1"), worker.put("video")):
        with pytest.raises(ToldToStop):
            await word


async def test_a_forged_attempt_token_is_refused(world):
    _, worker = await world.dispatched()
    order = await worker.claim()
    number, _, mac = order.token.partition(".")
    worker.order = order.model_copy(update={"token": f"{number}.{mac[::-1]}"})
    with pytest.raises(Unauthenticated):
        await worker.report("heartbeat")


async def test_an_attempts_token_does_not_open_another_job(world):
    _, one = await world.dispatched()
    _, two = await world.dispatched()
    one_order, two_order = await one.claim(), await two.claim()
    two.order = two_order.model_copy(update={"token": one_order.token})
    with pytest.raises(Unauthenticated):
        await two.report("heartbeat")


# -- reports ----------------------------------------------------------------------------


async def test_a_repeated_report_gets_its_stored_answer_and_is_done_once(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    first = await worker.report("progress", report_no=1, stage="render", progress=0.3)
    again = await worker.report("progress", report_no=1, stage="render", progress=0.9)
    assert first == again
    assert (await world.job(job_id)).progress == 0.3


async def test_reports_out_of_order_never_move_the_job_back(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.report("progress", report_no=2, stage="upload", progress=0.8)
    world.clock.move(3)
    await worker.report("progress", report_no=1, stage="render", progress=0.3)
    job = await world.job(job_id)
    assert (job.stage, job.progress) == ("upload", 0.8)


async def test_a_heartbeat_writes_no_event_and_keeps_the_attempt_alive(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    for _ in range(30):
        world.clock.move(3)
        await worker.report("heartbeat")
        await world.gateway.tick()
    assert await world.events(job_id) == ["queued", "started"]
    assert (await world.job(job_id)).status is Status.RUNNING


async def test_a_last_word_said_twice_ends_the_job_once(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    final = worker.final(await worker.put("video"))
    first, again = await worker.say(final), await worker.say(final)
    assert first == again
    assert (await world.events(job_id)).count("succeeded") == 1


async def test_a_report_after_the_last_word_is_told_to_cancel_and_changes_nothing(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.finish()
    before = await world.job(job_id)
    answer = await worker.report("progress", stage="render", progress=0.2)
    assert answer.cancel is True
    assert await world.job(job_id) == before


async def test_a_checkpoint_reaches_the_next_attempt(world):
    _, worker = await world.dispatched()
    await worker.claim()
    await worker.report("checkpoint", data={"frame": 7})
    await world.pass_time(75)
    assert (await world.newest_worker().claim()).checkpoint == {"frame": 7}


# -- outputs ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"name": "poster"}, "items.0.name"),
        ({"content_type": "text/html"}, "items.0.content_type"),
        ({"size_bytes": 5 * 2**40}, "items.0.size_bytes"),
    ],
)
async def test_only_what_the_kind_may_make_gets_a_url(world, item, field):
    _, worker = await world.dispatched()
    order = await worker.claim()
    given = {
        "name": "video",
        "content_type": "video/mp4",
        "size_bytes": 5,
        "sha256": "0" * 64,
    }
    asked = OutputsRequest.model_validate({"fence": 1, "items": [{**given, **item}]})
    with pytest.raises(ValidationFailed) as refused:
        await world.cases.grant_outputs(worker.job_id, order.token, asked)
    assert refused.value.errors[0].field == field


async def test_a_success_whose_output_is_not_there_is_none(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    outputs = await worker.put("video")
    await world.objects.delete(f"output/{job_id}/1/video.mp4")
    await worker.say(worker.final(outputs))
    assert await world.events(job_id) == ["queued", "started", "requeued"]


async def test_a_success_that_names_another_size_is_none(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    [output] = await worker.put("video")
    lied = output.model_copy(update={"size_bytes": 5})
    await worker.say(worker.final([lied]))
    assert "succeeded" not in await world.events(job_id)


async def test_a_success_without_the_kinds_output_is_none(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.say(worker.final([]))
    assert "succeeded" not in await world.events(job_id)


async def test_a_result_that_does_not_fit_the_kind_fails_the_job(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    outputs = await worker.put("video")
    await worker.say(worker.final(outputs, result={"n": "many", "shell": "rm"}))
    job = await world.job(job_id)
    assert (job.status, job.error.code) == ("failed", "internal")


async def test_a_key_holds_the_fence_so_no_two_attempts_share_one(world):
    job_id, stale = await world.dispatched()
    await stale.claim()
    await stale.put("video")
    await world.pass_time(75)
    fresh = world.newest_worker()
    await fresh.claim()
    await fresh.finish()
    job = await world.job(job_id)
    keys = await world.objects.list_keys("output/", None, 10)
    assert job.outputs[0].key == f"output/{job_id}/2/video.mp4"
    assert f"output/{job_id}/1/video.mp4" in keys


async def test_after_the_sweep_one_published_object_remains_per_output(world):
    job_id, stale = await world.dispatched()
    await stale.claim()
    await stale.put("video")
    await world.pass_time(75)
    fresh = world.newest_worker()
    await fresh.claim()
    await fresh.finish()
    await world.pass_time(600, step_s=10)
    keys = await world.objects.list_keys("output/", None, 10)
    assert keys == [f"output/{job_id}/2/video.mp4"]


async def test_nothing_is_swept_while_a_url_still_works(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.put("video")
    await world.cases.cancel("default", job_id)
    await world.pass_time(100, step_s=10)
    assert await world.objects.list_keys("output/", None, 10)


# -- silence ----------------------------------------------------------------------------


async def test_d34_a_silent_attempt_is_lost_after_60_s_and_the_next_fence_finishes(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await world.pass_time(59)
    assert (await world.job(job_id)).status is Status.RUNNING
    await world.pass_time(15)
    fresh = world.newest_worker()
    await fresh.claim()
    await fresh.finish()
    job = await world.job(job_id)
    assert (job.status, job.fence) == ("succeeded", 2)


async def test_d34_runpods_word_that_it_ended_makes_it_lost_after_15_s(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    world.compute.set_state(worker.runpod_id, ComputeState.FAILED)
    await world.pass_time(14)
    assert (await world.job(job_id)).status is Status.RUNNING
    await world.pass_time(3)
    assert "requeued" in await world.events(job_id)


@pytest.mark.parametrize("state", [ComputeState.RUNNING, ComputeState.UNKNOWN])
async def test_a_word_that_ends_nothing_does_not_make_it_lost(world, state):
    job_id, worker = await world.dispatched()
    await worker.claim()
    world.compute.set_state(worker.runpod_id, state)
    await world.pass_time(50)
    assert (await world.job(job_id)).status is Status.RUNNING


async def test_a_runpod_that_cannot_be_asked_makes_nothing_lost_before_its_time(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    world.compute.be_unavailable()
    await world.pass_time(58)
    assert (await world.job(job_id)).status is Status.RUNNING
    await world.pass_time(5)
    assert "requeued" in await world.events(job_id)


async def test_silence_of_the_gateways_own_is_not_the_workers(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    world.clock.move(80)
    await world.gateway.tick()
    await world.pass_time(14)
    assert (await world.job(job_id)).status is Status.RUNNING
    await worker.report("heartbeat")
    await worker.finish()
    assert (await world.job(job_id)).fence == 1


async def test_a_manifest_is_a_last_word(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    final = worker.final(await worker.put("video"))
    await worker.put(MANIFEST, body=final.model_dump_json().encode())
    world.compute.set_state(worker.runpod_id, ComputeState.COMPLETED)
    await world.pass_time(20)
    assert await world.events(job_id) == ["queued", "started", "succeeded"]
    late = await worker.say(final)
    assert late.cancel is False
    assert (await world.events(job_id)).count("succeeded") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        json.dumps({"fence": 9, "report_no": 1, "outcome": "stopped"}).encode(),
        json.dumps({"fence": 1, "report_no": 1, "outcome": "succeeded"}).encode(),
    ],
    ids=["no json", "no report", "another fence", "outputs missing"],
)
async def test_a_manifest_that_cannot_be_believed_makes_no_success(world, body):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.put(MANIFEST, body=body)
    world.compute.set_state(worker.runpod_id, ComputeState.FAILED)
    await world.pass_time(20)
    assert "succeeded" not in await world.events(job_id)


async def test_an_attempt_that_ran_its_time_at_runpod_is_a_timeout(world):
    job_id, worker = await world.dispatched()
    for _ in range(3):
        await worker.claim()
        world.compute.set_state(worker.runpod_id, ComputeState.TIMED_OUT)
        await world.pass_time(90)
        worker = world.newest_worker()
    job = await world.job(job_id)
    assert (job.status, job.error.code, job.fence) == ("failed", "timeout", 3)


async def test_a_worker_that_reports_on_past_its_time_is_cut_off(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    for _ in range(13):
        world.clock.move(10)
        await worker.report("heartbeat")
    world.clock.move(5)
    with pytest.raises(ToldToStop):
        await worker.report("heartbeat")
    assert "requeued" in await world.events(job_id)


# -- failures and attempts -----------------------------------------------------------


async def test_d44_three_attempts_a_job_and_no_more(world):
    job_id, worker = await world.dispatched()
    for _ in range(3):
        await worker.claim()
        await worker.fail("storage_error")
        await world.pass_time(15)
        worker = world.newest_worker()
    job = await world.job(job_id)
    assert (job.status, job.error.code) == ("failed", "storage_error")
    assert len(world.compute.submitted) == 3


async def test_d44_what_cannot_be_retried_fails_at_once_in_words_for_the_person(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await worker.fail("input_unreadable", "The file is cut short. Upload it again.")
    job = await world.job(job_id)
    assert (job.status, job.error.who) == ("failed", "caller")
    assert job.error.message == "The file is cut short. Upload it again."


async def test_an_expired_job_ends_whatever_it_waits_for(world):
    waiting = await world.submit(deadline_s=30)
    _, worker = await world.dispatched(deadline_s=30)
    await worker.claim()
    world.compute.be_unavailable()
    await world.pass_time(31)
    assert (await world.job(waiting)).status is Status.EXPIRED
    assert (await world.job(worker.job_id)).status is Status.EXPIRED


async def test_a_manifest_there_at_the_deadline_still_counts(world):
    job_id, worker = await world.dispatched(deadline_s=30)
    await worker.claim()
    final = worker.final(await worker.put("video"))
    await worker.put(MANIFEST, body=final.model_dump_json().encode())
    await world.pass_time(31)
    assert (await world.job(job_id)).status is Status.SUCCEEDED


# -- cancel ---------------------------------------------------------------------------


async def test_a_cancelled_job_stops_its_worker_and_never_succeeds(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    final = worker.final(await worker.put("video"))
    await world.cases.cancel("default", job_id)
    told = await worker.report("heartbeat")
    await worker.say(final)
    await world.gateway.perform()
    assert told.cancel is True
    assert await world.events(job_id) == ["queued", "started", "cancelled"]
    assert ("gpu", worker.runpod_id) in world.compute.cancel_calls


async def test_cancelling_again_is_harmless_and_after_another_end_a_conflict(world):
    first, _ = await world.dispatched()
    second, worker = await world.dispatched()
    await worker.claim()
    await worker.finish()
    for _ in range(2):
        assert (await world.cases.cancel("default", first)).status is Status.CANCELLED
    with pytest.raises(Conflict) as refused:
        await world.cases.cancel("default", second)
    assert refused.value.what == "already_finished"


async def test_another_tenants_job_cannot_be_cancelled(world):
    job_id = await world.submit()
    with pytest.raises(NotFound):
        await world.cases.cancel("other", job_id)


async def test_a_worker_learnt_of_after_the_end_is_cancelled_too(world):
    job_id = await world.submit()
    world.compute.accept_and_time_out()
    await world.gateway.perform()
    worker = world.newest_worker()
    await world.cases.cancel("default", job_id)
    with pytest.raises(ToldToStop):
        await worker.claim()


# -- asking RunPod ----------------------------------------------------------------------


async def test_d106_an_uncertain_submission_is_repeated_and_makes_one_attempt(world):
    job_id = await world.submit()
    world.compute.accept_and_time_out()
    await world.gateway.perform()
    await world.pass_time(5)
    first, second = (Worker(world, *each) for each in list(world.compute.submitted.items())[:2])
    await first.claim()
    with pytest.raises(ToldToStop):
        await second.claim()
    await first.finish()
    assert (await world.job(job_id)).fence == 1


async def test_a_full_runpod_is_asked_again_until_it_takes_the_job(world):
    world.compute.lose_submits(3)
    job_id = await world.submit()
    await world.pass_time(40)
    await world.newest_worker().claim()
    assert (await world.job(job_id)).status is Status.RUNNING


async def test_a_submission_runpod_refuses_fails_the_job_for_the_operator(world):
    world.compute.refuse_submits()
    job_id = await world.submit()
    await world.gateway.perform()
    job = await world.job(job_id)
    assert (job.status, job.error.who) == ("failed", "operator")


@pytest.mark.parametrize("state", [ComputeState.GONE, ComputeState.FAILED])
async def test_an_unclaimed_submission_that_ended_is_made_again(world, state):
    job_id, first = await world.dispatched()
    world.compute.set_state(first.runpod_id, state)
    await world.pass_time(10)
    second = world.newest_worker()
    await second.claim()
    assert second.request.input["submission"] == "2"
    assert (await world.job(job_id)).fence == 1


async def test_a_queue_at_runpod_counts_no_attempt(world):
    job_id, _ = await world.dispatched()
    await world.pass_time(300, step_s=5)
    job = await world.job(job_id)
    assert (job.status, job.waiting_for, job.fence) == ("queued", "worker", 0)
    assert len(world.compute.submitted) == 1


# -- slots and fairness ------------------------------------------------------------------


async def test_no_more_is_submitted_than_twice_the_slots(world):
    jobs = [await world.submit() for _ in range(7)]
    await world.gateway.perform()
    waiting = [(await world.job(job_id)).waiting_for for job_id in jobs]
    assert waiting == ["worker"] * 4 + ["slot"] * 3


async def test_an_end_gives_the_slot_to_the_next(world):
    jobs = [await world.submit() for _ in range(5)]
    await world.gateway.perform()
    await world.cases.cancel("default", jobs[0])
    await world.gateway.perform()
    assert (await world.job(jobs[4])).waiting_for == "worker"


async def test_d147_one_tenants_backlog_does_not_hold_up_anothers_job(world):
    mine = [await world.submit("default") for _ in range(20)]
    await world.gateway.perform()
    world.clock.move(1)
    theirs = await world.submit("other")
    await world.cases.cancel("default", mine[0])
    await world.gateway.perform()
    assert (await world.job(theirs)).waiting_for == "worker"


async def test_the_limit_of_open_jobs_is_429_and_writes_nothing(tmp_path):
    limits = {"open_jobs_per_tenant": 2}
    async with a_world(STORES["sqlite"], tmp_path, limits=limits) as world:
        for _ in range(2):
            await world.submit()
        with pytest.raises(TryAgainLater) as refused:
            await world.submit()
        assert refused.value.what == "too_many_open_jobs"
        await world.submit("other")


# -- idempotency ---------------------------------------------------------------------------


async def test_d66_the_same_key_and_request_is_the_same_job(world):
    first = await world.submit(key="k")
    again = await world.submit(key="k")
    other = await world.submit("other", key="k")
    assert first == again
    assert other != first


async def test_d66_the_same_key_for_another_request_is_a_conflict(world):
    await world.submit(key="k")
    with pytest.raises(Conflict) as refused:
        await world.submit(key="k", input={"n": 2})
    assert refused.value.what == "idempotency_conflict"


# -- files ---------------------------------------------------------------------------------


async def test_another_tenants_asset_is_not_found(world):
    asset_id = await world.an_asset("other")
    with pytest.raises(NotFound) as refused:
        await world.submit(input={"n": 1, "source": {"asset_id": asset_id}})
    assert refused.value.what == "asset_not_found"


async def test_the_output_of_a_job_can_be_the_input_of_another(world):
    made, worker = await world.dispatched()
    await worker.claim()
    await worker.finish()
    ref = {"job_id": made, "output": "video"}
    _, second = await world.dispatched(input={"n": 1, "source": ref})
    [file] = (await second.claim()).files
    assert world.objects.get(file.url).body == VIDEO
    for wrong in ({**ref, "output": "no"}, {**ref, "job_id": second.job_id}):
        with pytest.raises(NotFound):
            await world.submit(input={"n": 1, "source": wrong})


# -- money ----------------------------------------------------------------------------------


async def test_a_job_reserves_the_worst_case_and_settles_what_it_used(world):
    job_id, worker = await world.dispatched()
    before = (await world.cases.view(await world.job(job_id)))["cost"]
    await worker.claim()
    world.clock.move(10)
    await worker.finish()
    await world.gateway.perform()
    after = (await world.cases.view(await world.job(job_id)))["cost"]
    assert before == {
        "estimated_usd": "0.0093",  # 20 s of cold start and 10 s at $0.00031
        "reserved_usd": "0.03875",  # and 100 s of limit, 5 s of idling
        "actual_usd": None,
    }
    assert after == {
        "estimated_usd": "0.0093",
        "reserved_usd": "0.0000",
        "actual_usd": "0.0031",
    }


async def test_a_lost_attempt_costs_what_it_ran_and_the_next_is_reserved(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    await world.pass_time(60)
    await world.pass_time(61)
    costs = await world.stores.attempts.costs(job_id)
    assert costs.actual_micro_usd == 310 * 60
    assert costs.reserved_micro_usd == 38750


async def test_a_cancelled_jobs_bill_ends_with_its_workers_last_word(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    world.clock.move(10)
    await world.cases.cancel("default", job_id)
    world.clock.move(3)
    await worker.say(worker.final(outcome="stopped", result=None))
    await world.pass_time(61)
    costs = await world.stores.attempts.costs(job_id)
    assert (costs.actual_micro_usd, costs.reserved_micro_usd) == (310 * 13, 0)


async def test_a_job_cancelled_before_any_claim_costs_nothing(world):
    job_id = await world.submit()
    await world.cases.cancel("default", job_id)
    await world.gateway.perform()
    costs = await world.stores.attempts.costs(job_id)
    assert (costs.actual_micro_usd, costs.reserved_micro_usd) == (None, 0)


# -- restarts ------------------------------------------------------------------------------


async def test_what_was_accepted_before_a_crash_is_done_after_it(world):
    job_id = await world.submit()
    world.gateway = world.boot()
    await world.gateway.start()
    await world.gateway.tick()
    worker = world.newest_worker()
    await worker.claim()
    world.gateway = world.boot()
    await world.gateway.start()
    await worker.finish()
    assert (await world.job(job_id)).status is Status.SUCCEEDED


async def test_an_effect_whose_performer_died_is_performed_by_another(world):
    job_id = await world.submit()
    now = world.clock.now()
    await world.stores.effects.lease(now, now.replace(minute=1), "dead", 10)
    await world.gateway.tick()
    assert (await world.job(job_id)).waiting_for == "slot"
    await world.pass_time(61)
    assert (await world.job(job_id)).waiting_for == "worker"


async def test_a_store_that_cannot_be_asked_decides_nothing(world):
    job_id, worker = await world.dispatched()
    await worker.claim()
    final = worker.final(await worker.put("video"))
    world.objects.available = False
    with pytest.raises(TryAgainLater):
        await worker.say(final)
    assert (await world.job(job_id)).status is Status.RUNNING
    world.objects.available = True
    await worker.say(final)
    assert (await world.job(job_id)).status is Status.SUCCEEDED
    assert isinstance(final, Final)
