"""RunPod does all that its emulator can do wrong."""

import asyncio
from collections.abc import Sequence
from typing import Any

from infra.local.faults import scenes
from infra.local.faults.customer import Customer
from infra.local.faults.fault import Fault
from infra.local.faults.stage import Needs, NotSurvived
from infra.local.runpod.faults import Effect, FaultKind
from infra.local.runpod.fleet import WorkerState

REFUSALS: Sequence[Effect] = ("429", "500", "502", "503", "504", "reset", "hang")
UNHEARD: Sequence[Effect] = ("429", "500", "502", "503", "504", "reset", "hang")
STATUSES: Sequence[Effect] = ("500", "401", "reset", "stale")
LOST_RESULTS: Sequence[Effect] = ("400", "429", "500", "reset")
MOST_TRIES = 6
COLD = Needs(alone=True, workers=2, warm=0)

# The gateway asks for no webhooks of RunPod's: it has none to lose.
NOT_PLAYED = {
    FaultKind.LOSE_WEBHOOK: "the gateway asks RunPod for no webhooks",
    FaultKind.DOUBLE_WEBHOOK: "the gateway asks RunPod for no webhooks",
}


def job_with(
    name: str, kind: FaultKind, effect: Effect = "500", *, attempt: int | None = 1, **when: Any
) -> Fault:
    """A job succeeds, in this attempt, while that goes wrong."""
    seconds = when.pop("seconds", 0.0)
    needs = when.pop("needs", Needs())

    async def play(customer: Customer) -> str:
        customer.stage.runpod_fails(kind, effect, **when)
        job = await customer.ended(await customer.submit(seconds=seconds))
        fired = customer.stage.stack.emulator.faults.fired
        await customer.stage.until(lambda: fired[kind], f"{kind} happened")
        if attempt is not None and job["attempt"] != attempt:
            raise NotSurvived(f"it took {job['attempt']} attempts, not {attempt}")
        return f"{job['status']} in attempt {job['attempt']}"

    return Fault(f"runpod.{name}", play, needs)


def refused_for_good(effect: Effect) -> Fault:
    """RunPod will never take it: the job fails for the operator, and costs nothing."""

    async def play(customer: Customer) -> str:
        customer.stage.runpod_fails(FaultKind.REFUSE_RUN, effect, count=None)
        job = await customer.ended(await customer.submit(), "failed")
        if job["error"]["who"] != "operator" or job["attempt"] != 0:
            raise NotSurvived(f"{job['error']} in attempt {job['attempt']}")
        return "failed for the operator"

    return Fault(f"runpod.refuse_run.{effect}", play)


def bad_status(effect: Effect) -> Fault:
    """A worker is lost, and RunPod does not say so: silence has to tell it."""

    async def play(customer: Customer) -> str:
        customer.stage.runpod_fails(FaultKind.BAD_STATUS, effect, count=None)
        return await scenes.job_loses_its_worker(customer)

    return Fault(f"runpod.bad_status.{effect}", play)


def cancelled_with(
    name: str, kind: FaultKind, effect: Effect = "500", count: int | None = 2
) -> Fault:
    """A cancelled job stays so and its work stops, while that goes wrong."""

    async def play(customer: Customer) -> str:
        customer.stage.runpod_fails(kind, effect, count=count)
        told = await scenes.job_is_cancelled(customer)
        await customer.stage.until(
            lambda: not any(each.jobs for each in customer.stage.workers()), "the work stops"
        )
        return f"{told}; the work has stopped"

    return Fault(f"runpod.{name}", play)


async def _resurrected(customer: Customer) -> str:
    """RunPod revives a job that was cancelled: it stays cancelled here."""
    stage = customer.stage
    stage.runpod_fails(FaultKind.RESURRECT, count=None)
    stage.runpod_fails(FaultKind.LOSE_STOP, count=None)
    order = await customer.submit(seconds=scenes.WORK_S)
    await customer.at_work(order)
    queue = next(iter(stage.stack.emulator.endpoints.values())).queue
    [job] = [each for each in queue.jobs.values() if not each.is_final]
    await customer.cancelled(order)
    await stage.until(lambda: job.is_final, "RunPod has cancelled it")
    queue.done(job.pod_id or "", job.id, {"output": {"outcome": "succeeded"}})
    await asyncio.sleep(1.5)  # for whoever would believe it
    return f"{(await customer.ended(order, 'cancelled'))['status']}, and stays so"


async def _delivers_late(customer: Customer) -> str:
    """Workers that were told to end are still given a job."""
    fired = customer.stage.stack.emulator.faults.fired
    customer.stage.runpod_fails(FaultKind.LATE_DELIVERY, count=None)
    attempts: list[int] = []
    while not fired[FaultKind.LATE_DELIVERY]:
        if len(attempts) == MOST_TRIES:
            raise NotSurvived("nothing was delivered late")
        attempts.append((await _while_all_retire(customer))["attempt"])
    return f"succeeded in attempt {attempts[-1]}"


async def _while_all_retire(customer: Customer) -> dict[str, Any]:
    """Have a job done that comes to its queue as all workers are told to end."""
    stage = customer.stage
    await stage.until(
        lambda: any(each.state is WorkerState.READY for each in stage.workers()), "a worker"
    )
    stage.runpod_fails(FaultKind.SLOW_QUEUE, delay_s=0.3)
    order = await customer.submit(seconds=1)
    for endpoint in stage.stack.emulator.endpoints.values():
        for pod in endpoint.queue.pods.values():
            pod.retiring = True
    return await customer.ended(order)


async def _forgets_at_work(customer: Customer) -> str:
    """RunPod forgets a job at work and tells its worker to stop, which is silent then."""
    order = await customer.submit(seconds=scenes.WORK_S)
    await customer.at_work(order)
    queue = next(iter(customer.stage.stack.emulator.endpoints.values())).queue
    for name in list(queue.jobs):
        queue.forget(name)
    job = await customer.ended(order)
    return f"{job['status']} in attempt {job['attempt']}"


async def _is_away(customer: Customer) -> str:
    """Whatever is asked of it fails, while jobs come, are cancelled and lose their workers."""
    stage = customer.stage
    running = await customer.submit(seconds=scenes.WORK_S)
    await customer.at_work(running)
    stage.runpod_fails(FaultKind.REFUSE_RUN, "reset", count=3)
    stage.runpod_fails(FaultKind.BAD_STATUS, "503", count=20)
    stage.runpod_fails(FaultKind.BAD_CANCEL, "503", count=3)
    first = await customer.submit()
    await customer.cancelled(running)
    told = [
        (await customer.ended(first))["status"],
        (await customer.ended(running, "cancelled"))["status"],
        await scenes.job_loses_its_worker(customer),
    ]
    return " and ".join(told)


def runpod_faults() -> list[Fault]:
    """Return all of them."""
    kinds = FaultKind
    return [
        *(
            job_with(f"refuse_run.{effect}", kinds.REFUSE_RUN, effect, count=1)
            for effect in REFUSALS
        ),
        job_with("refuse_run.retry_after", kinds.REFUSE_RUN, "429", retry_after_s=1),
        *(refused_for_good(effect) for effect in ("400", "401")),
        *(
            job_with(f"lose_run_answer.{effect}", kinds.LOSE_RUN_ANSWER, effect)
            for effect in UNHEARD
        ),
        job_with("duplicate.other_pod", kinds.DUPLICATE, seconds=0.5),
        job_with("duplicate.same_pod", kinds.DUPLICATE, same_pod=True),
        *(
            job_with(f"lose_done.{effect}", kinds.LOSE_DONE, effect, count=3)
            for effect in LOST_RESULTS
        ),
        job_with("kill_worker", kinds.KILL_WORKER, seconds=1.5, delay_s=0.8, attempt=None),
        job_with("kill_worker.twice", kinds.KILL_WORKER, seconds=1, attempt=None, count=2),
        job_with("slow_queue", kinds.SLOW_QUEUE, delay_s=3),
        job_with("cold_start", kinds.COLD_START, delay_s=3, needs=COLD),
        job_with("boot_loop", kinds.BOOT_LOOP, count=2, needs=COLD),
        Fault("runpod.forget.waiting", scenes.job_is_forgotten),
        Fault("runpod.forget.at_work", _forgets_at_work),
        *(bad_status(effect) for effect in STATUSES),
        cancelled_with("bad_cancel.500", kinds.BAD_CANCEL),
        cancelled_with("bad_cancel.429", kinds.BAD_CANCEL, "429"),
        cancelled_with("bad_cancel.reset", kinds.BAD_CANCEL, "reset"),
        cancelled_with("lose_stop", kinds.LOSE_STOP, count=None),
        Fault("runpod.resurrect", _resurrected),
        Fault("runpod.late_delivery", _delivers_late),
        Fault("runpod.is_away", _is_away),
    ]
