"""What an attempt reports, and what it leaves for the next."""

from gateway.core.job import Status


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
