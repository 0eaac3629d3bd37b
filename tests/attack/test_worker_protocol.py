"""Workers that are none, or no longer, or that lie."""

import pytest

from gateway.core.open_attempt import MOST_WARNINGS
from gateway.core.work_tokens import WorkTokens
from gateway.ports.compute import ComputeState
from shared.work import MOST_CHECKPOINT_BYTES, MOST_PROBE_BYTES
from tests.attack.refusals import told
from tests.attack.tables.bodies_work import ITEM, ROUTES
from tests.support.world import MANIFEST, Worker

BODIES = {
    each.path.rpartition("/")[2]: each.body(None)
    for each in ROUTES
    if each.name in {"claim", "outputs", "reports heartbeat"}
}
STOP = (409, {"stop": True})


def ask(target, call, job_id, token, body=None):
    headers = [("Authorization", f"Bearer {token}")]
    path = f"/v1/work/{job_id}/{call}"
    return target.ask("POST", path, {**BODIES[call], **(body or {})}, headers=headers)


def order_of(worker):
    assert worker.order is not None
    return worker.order


def newest_of(target, job_id):
    """Return the worker that RunPod was asked for last for this job."""
    asked = reversed(target.world.compute.submitted.items())
    found = next(each for each in asked if each[1].input["job_id"] == job_id)
    return Worker(target.world, *found)


def asked_for(target):
    """Return a worker that RunPod was asked for, and that has claimed nothing yet."""
    job_id, _ = target.run(target.world.dispatched)  # others may have been asked for meanwhile
    return newest_of(target, job_id)


def a_worker(target):
    """Return a worker that has claimed a job of its own."""
    worker = asked_for(target)
    target.run(worker.claim)
    return worker


@pytest.fixture(scope="module")
def jobs(target):
    """Jobs in every state, and ids of none."""
    has, world = target.has, target.world
    deleted = target.run(world.submit)
    target.run(world.cases.cancel, "default", deleted)
    target.run(world.cases.delete, "default", deleted)
    return {
        "running": has.running_id,
        "waiting for a worker": has.waiting_id,
        "queued": has.queued_id,
        "done": has.done_id,
        "deleted": deleted,
        "another tenant's": target.run(world.submit, tenant="other"),
        "none": "nobody",
        "a question mark": "%3F",
        "long": "x" * 5000,
    }


@pytest.fixture(scope="module")
def tokens(target):
    """Tokens that open none of these jobs, or not by this call."""
    other = a_worker(target)
    attempt = order_of(other).token
    elsewhere = WorkTokens(b"another gateway's secret")
    number, _, mac = attempt.partition(".")
    return {
        "an attempt's of another job": attempt,
        "a submission's of another job": str(other.request.input["token"]),
        "an attempt's of another gateway": elsewhere.for_attempt(
            target.has.running_id, 1, "n-r2"
        ),
        "a submission's of another gateway": elsewhere.for_submission(target.has.waiting_id, 1),
        "turned round": f"{number}.{mac[::-1]}",
        "of the next attempt": f"wa_2.{mac}",
        "of no attempt": f"wa_0.{mac}",
        "of an attempt below none": f"wa_-1.{mac}",
        "of an attempt without end": f"wa_{'9' * 300}.{mac}",
        "of an attempt in other digits": f"wa_\u00b9.{mac}",
        "without a number": f"wa_.{mac}",
        "without a mac": number,
        "a submission's that is an attempt's": attempt.replace("wa_", "ws_"),
        "an API key": target.key()[1].removeprefix("Bearer "),
        "a job's ticket": target.ask("POST", f"/v1/jobs/{target.has.queued_id}/ticket").json()[
            "ticket"
        ],
        "nothing": "",
        "no ASCII": "é😀",
        "long": "w" * 20_000,
    }


@pytest.mark.parametrize("call", BODIES)
def test_who_holds_no_token_does_not_learn_which_jobs_there_are(target, jobs, tokens, call):
    before = target.written()
    found = {
        (job, token): told(ask(target, call, jobs[job], tokens[token]))
        for job in jobs
        for token in tokens
    }
    assert found == dict.fromkeys(found, (401, "unauthenticated", ""))
    assert target.written() == before


@pytest.mark.parametrize("call", BODIES)
def test_a_stranger_hears_one_sentence_whatever_the_job(target, jobs, tokens, call):
    said = {
        ask(target, call, job_id, tokens["an attempt's of another job"]).json()["detail"]
        for job_id in jobs.values()
    }
    assert said == {"The token is not valid."}


def test_each_token_opens_its_own_call_alone(target):
    worker = a_worker(target)
    job_id, submission = worker.job_id, worker.request.input["token"]
    attempt = order_of(worker).token
    asked = [
        ask(target, "claim", job_id, attempt),
        ask(target, "outputs", job_id, submission),
        ask(target, "reports", job_id, submission),
        ask(target, "reports", job_id, attempt, {"fence": 2}),
        ask(target, "outputs", job_id, attempt, {"fence": 2}),
    ]
    assert [told(each)[0] for each in asked] == [401] * 5


def test_a_worker_of_an_older_submission_may_claim_and_then_the_newer_may_not(target):
    world = target.world
    older = asked_for(target)
    job_id = older.job_id
    world.compute.set_state(older.runpod_id, ComputeState.FAILED)
    target.run(world.pass_time, 90)
    newer = newest_of(target, job_id)
    assert newer.request.input["submission"] != older.request.input["submission"]
    first = ask(target, "claim", job_id, older.request.input["token"], {"nonce": "old"})
    second = ask(target, "claim", job_id, newer.request.input["token"], {"nonce": "new"})
    assert first.json()["fence"] == 1
    assert (second.status, second.json()) == STOP


@pytest.fixture(scope="module")
def superseded(target):
    """A job whose first attempt was lost and whose second is at work: both orders."""
    world = target.world
    stale = a_worker(target)
    target.run(world.pass_time, 75)
    fresh = newest_of(target, stale.job_id)
    target.run(fresh.claim)
    return stale.job_id, stale, fresh


def test_d65_what_an_attempt_says_after_its_end_is_told_to_stop(target, superseded):
    job_id, stale, fresh = superseded
    before = target.written()
    claim_token = stale.request.input["token"]
    old, new = order_of(stale).token, order_of(fresh).token
    spent = {"nonce": f"n-{stale.runpod_id}"}
    found = {
        "its report": ask(target, "reports", job_id, old, {"report_no": 99}),
        "its outputs": ask(target, "outputs", job_id, old),
        "its claim again": ask(target, "claim", job_id, claim_token, spent),
        "another's claim": ask(target, "claim", job_id, claim_token, {"nonce": "foreign"}),
    }
    assert {name: (each.status, each.json()) for name, each in found.items()} == dict.fromkeys(
        found, STOP
    )
    lower = {
        "report": told(ask(target, "reports", job_id, new, {"fence": 1}))[:2],
        "outputs": told(ask(target, "outputs", job_id, new, {"fence": 1}))[:2],
    }
    assert lower == dict.fromkeys(lower, (401, "unauthenticated"))
    assert target.written() == before


def test_a_claim_of_a_job_that_is_over_or_gone_is_told_to_stop(target):
    world = target.world
    found = {}
    for name in ("cancelled", "deleted"):
        worker = asked_for(target)
        target.run(world.cases.cancel, "default", worker.job_id)
        found[name] = (worker.job_id, worker.request.input["token"])
    target.run(world.cases.delete, "default", found["deleted"][0])
    target.run(world.pass_time, 5)
    answers = [ask(target, "claim", *each) for each in found.values()]
    assert [(each.status, each.json()) for each in answers] == [STOP, STOP]


LIES = {
    "another size": {"size_bytes": 5},
    "another type": {"content_type": "video/webm"},
    "another hash": {"sha256": "f" * 64},
    "another name": {"name": "poster"},
    "the manifest": {"name": MANIFEST, "content_type": "application/json"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_last_word_that_names_what_was_not_put_publishes_nothing(target, lie):
    worker = a_worker(target)
    [put] = target.run(worker.put, "video")
    target.run(worker.put, MANIFEST, body=b"{}")
    said = worker.final([put.model_copy(update=LIES[lie])]).model_dump(mode="json")
    answer = ask(target, "reports", worker.job_id, order_of(worker).token, said)
    job = target.run(target.world.job, worker.job_id)
    assert answer.status == 200
    assert (job.status, job.outputs, job.result) == ("queued", (), None)


def test_a_last_word_may_not_name_an_output_twice(target):
    worker = a_worker(target)
    [put] = target.run(worker.put, "video")
    said = worker.final([put, put]).model_dump(mode="json")
    ask(target, "reports", worker.job_id, order_of(worker).token, said)
    assert target.run(target.world.job, worker.job_id).outputs == ()


def test_no_url_is_signed_for_what_is_only_like_an_output(target):
    worker = a_worker(target)
    token, before = order_of(worker).token, target.written()
    lies = [{"name": "video2"}, {"content_type": "video/mp4; a=b"}, {"size_bytes": 2**40}]
    found = [
        told(ask(target, "outputs", worker.job_id, token, {"items": [{**ITEM, **lie}]}))
        for lie in lies
    ]
    named = ["name", "content_type", "size_bytes"]
    assert found == [(422, "validation_failed", f"items.0.{each}") for each in named]
    assert target.written() == before


def test_a_flood_of_warnings_leaves_as_many_as_one_reads(target):
    worker = a_worker(target)
    token = order_of(worker).token
    for number in range(1, MOST_WARNINGS + 51):
        notice = {"code": "slow", "message": f"{number}" * 3}
        said = {"type": "warning", "report_no": number, "warning": notice}
        assert ask(target, "reports", worker.job_id, token, said).status == 200
    job = target.run(target.world.job, worker.job_id)
    events = target.run(target.world.events, worker.job_id)
    assert (len(job.warnings), events.count("warning")) == (MOST_WARNINGS, MOST_WARNINGS)


def test_a_checkpoint_and_a_probe_are_taken_to_their_limits(target):
    worker = a_worker(target)
    token = order_of(worker).token
    frame = len('{"a":""}')
    said = [
        {"type": "checkpoint", "data": {"a": "x" * (MOST_CHECKPOINT_BYTES - frame)}},
        {
            "type": "probe",
            "asset": "source",
            "sha256": "0" * 64,
            "probe": {"a": "x" * (MOST_PROBE_BYTES - frame)},
        },
    ]
    statuses = [
        ask(target, "reports", worker.job_id, token, {**each, "report_no": n}).status
        for n, each in enumerate(said, 1)
    ]
    assert statuses == [200, 200]


def test_reports_in_any_order_never_take_a_job_back(target):
    worker = a_worker(target)
    token = order_of(worker).token
    steps = [(9, "upload", 0.9), (3, "prepare", 0.1), (7, "render", 1), (8, "sparkle", 0.95)]
    for number, stage, progress in steps:
        said = {"type": "progress", "report_no": number, "stage": stage, "progress": progress}
        assert ask(target, "reports", worker.job_id, token, said).status == 200
        target.world.clock.move(3)
    job = target.run(target.world.job, worker.job_id)
    assert (job.stage, job.progress) == ("upload", 0.99)
