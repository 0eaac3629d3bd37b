"""The worker is killed wherever it speaks, and comes to grief in every other way."""

import asyncio
import os
import resource
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from infra.local.faults import scenes
from infra.local.faults.customer import Customer
from infra.local.faults.fault import Fault
from infra.local.faults.stage import NotSurvived, Stage
from infra.local.runpod import processes
from infra.local.runpod.fleet import WorkerState, WorkerView

# Where the worker dies, and in which attempt its job may succeed: what was finished by then
# is not done again.
DEATHS: Sequence[tuple[str, int]] = (
    ("claim.before", 1),
    ("claim.after", 2),
    ("fetch.before", 2),
    ("fetch.after", 2),
    ("report[progress].before", 2),
    ("report[progress].after", 2),
    ("outputs.before", 2),
    ("outputs.after", 2),
    ("put[video].before", 2),
    ("put[video].middle", 2),
    ("put[video].after", 2),
    ("put[manifest].before", 2),
    ("put[manifest].after", 1),
    ("report[final].before", 1),
    ("report[final].after", 1),
)
SMALL_FILE_BYTES = 4096


def death(point: str, attempt: int) -> Fault:
    """A worker dies at this point of its job."""

    async def play(customer: Customer) -> str:
        customer.stage.arm_worker(point)
        # Long enough for a worker to say how far it is.
        seconds = 1.5 if "progress" in point else 0.3
        job = await customer.ended(await customer.submit(seconds=seconds))
        if customer.stage.still_armed():
            raise NotSurvived("no worker came there")
        return _attempt(job, attempt)

    return Fault(f"worker.dies_at.{point}", play)


def _attempt(job: dict[str, Any], expected: int) -> str:
    # One that was needed may be lost again on a machine that is slow; none that was not.
    if job["attempt"] < expected or job["attempt"] > expected == 1:
        raise NotSurvived(f"it took {job['attempt']} attempts, not {expected}")
    return f"{job['status']} in attempt {job['attempt']}"


def failing(name: str, code: str, **fields: Any) -> Fault:
    """The work itself fails for good: the job says so, and the worker lives on."""

    async def play(customer: Customer) -> str:
        order = await customer.submit(**fields)
        job = await customer.ended(order, "failed")
        if job["error"]["code"] != code:
            raise NotSurvived(f"it failed as {job['error']['code']}")
        next_one = await customer.ended(await customer.submit())
        return f"failed as {code}; the next job {next_one['status']}"

    return Fault(f"worker.{name}", play)


async def _at_work(customer: Customer) -> tuple[Any, WorkerView]:
    order = await customer.submit(seconds=scenes.WORK_S)
    await customer.at_work(order)
    return order, await customer.stage.worker_of(order.job_id)


def _for_good(job: dict[str, Any]) -> dict[str, Any]:
    """What an end settles: URLs are signed anew at each look, and the bill may come later."""
    return {name: said for name, said in job.items() if name not in ("outputs", "cost")}


async def _hangs(customer: Customer) -> str:
    """No word comes from a worker, which then wakes up and speaks under its old fence."""
    order, worker = await _at_work(customer)
    customer.stage.tell_worker(worker, signal.SIGSTOP)
    try:
        job = await customer.ended(order)
    finally:
        customer.stage.tell_worker(worker, signal.SIGCONT)
    told = _attempt(job, 2)
    await asyncio.sleep(1)
    if _for_good(await customer.job(order)) != _for_good(job):
        raise NotSurvived("the job changed after its end")
    return told


async def _is_told_to_end(customer: Customer) -> str:
    order, worker = await _at_work(customer)
    customer.stage.tell_worker(worker, signal.SIGTERM)
    job = await customer.ended(order)
    return f"{job['status']} in attempt {job['attempt']}"


def _zygote(worker: WorkerView) -> int | None:
    """Return the pid of the process that the worker forks its children from, once it runs."""
    return next((each for each in _below(worker) if _runs(each, b"sandbox.zygote")), None)


def _child(worker: WorkerView) -> int | None:
    """Return the pid of the process that does the work: what runs the same, beside it."""
    zygote = _zygote(worker) or 0
    below = (each for each in _below(worker) if zygote and each > zygote)
    return next((each for each in below if _runs(each, b"zygote")), None)


def _below(worker: WorkerView) -> list[int]:
    """Return the live processes of a worker, the oldest first."""
    found = processes.members(Path("/nowhere"), worker.pid)
    return [each.pid for each in sorted(found, key=lambda each: each.start_ticks)]


def _runs(pid: int, word: bytes) -> bool:
    return word in Path(f"/proc/{pid}/cmdline").read_bytes()


async def _end(stage: Stage, find: Callable[[], int | None]) -> None:
    os.kill(await stage.until(find, "there is such a process"), signal.SIGKILL)


def _killed(whose: Callable[[WorkerView], int | None]) -> Callable[[Customer], Any]:
    async def play(customer: Customer) -> str:
        order, worker = await _at_work(customer)
        await _end(customer.stage, partial(whose, worker))
        job = await customer.reached(order, "succeeded", "failed")
        if job["status"] == "failed" and job["error"]["code"] != "out_of_memory":
            raise NotSurvived(f"it failed as {job['error']['code']}")
        # Where the kernel does not say what it killed, a kill is taken for its own.
        next_one = await customer.ended(await customer.submit())
        return f"{job['status']} in attempt {job['attempt']}; the next {next_one['status']}"

    return play


async def _idle_zygote_dies(customer: Customer) -> str:
    await customer.ended(await customer.submit())
    for worker in customer.stage.workers():
        if worker.state is WorkerState.READY:
            await _end(customer.stage, partial(_zygote, worker))
    job = await customer.ended(await customer.submit())
    return f"{job['status']} in attempt {job['attempt']}"


async def _all_die(customer: Customer) -> str:
    order, _ = await _at_work(customer)
    for worker in customer.stage.workers():
        customer.stage.tell_worker(worker, signal.SIGKILL)
    return _attempt(await customer.ended(order), 2)


async def _idle_worker_dies(customer: Customer) -> str:
    await customer.ended(await customer.submit())
    for worker in customer.stage.workers():
        customer.stage.tell_worker(worker, signal.SIGKILL)
    return _attempt(await customer.ended(await customer.submit()), 1)


async def _no_room_for_inputs(customer: Customer) -> str:
    """No worker can write a file as large as the input, until one can."""
    stage = customer.stage
    await stage.until(lambda: len(stage.workers()) > 1, "both workers run")
    limited = stage.workers()
    _let_write(limited, SMALL_FILE_BYTES)
    order = await customer.submit()
    try:
        await stage.until(lambda: _failed_once(stage, order.job_id), "an attempt failed")
    finally:
        _let_write(limited, resource.RLIM_INFINITY)
    return _attempt(await customer.ended(order), 2)


def _failed_once(stage: Stage, job_id: str) -> bool:
    asked = "SELECT 1 FROM attempts WHERE job_id = ? AND outcome = 'storage_error'"
    return bool(stage.rows(asked, (job_id,)))


def _let_write(workers: Sequence[WorkerView], limit_bytes: int) -> None:
    for each in workers:
        if each.pid is not None:
            both = (limit_bytes, resource.RLIM_INFINITY)
            resource.prlimit(each.pid, resource.RLIMIT_FSIZE, both)


async def _gateway_is_away(customer: Customer) -> str:
    """The gateway is away while the work ends; how long it takes to start, no one knows."""
    order = await customer.submit(seconds=1)
    await customer.at_work(order)
    await customer.stage.outage(4)
    job = await customer.ended(order)
    return f"{job['status']} in attempt {job['attempt']}"


def worker_faults() -> list[Fault]:
    """Return all of them."""
    return [
        *(death(point, attempt) for point, attempt in DEATHS),
        failing("out_of_memory", "out_of_memory", conduct="grows"),
        failing("scratch_is_full", "invalid_request", conduct="fills"),
        failing("kind_is_broken", "internal", conduct="breaks"),
        failing("work_never_ends", "timeout", conduct="stalls", limit_s=2),
        Fault("worker.hangs", _hangs),
        Fault("worker.is_told_to_end", _is_told_to_end),
        Fault("worker.child_is_killed", _killed(_child)),
        Fault("worker.zygote_is_killed", _killed(_zygote)),
        Fault("worker.idle_zygote_is_killed", _idle_zygote_dies),
        Fault("worker.all_are_killed", _all_die),
        Fault("worker.idle_ones_are_killed", _idle_worker_dies),
        Fault("worker.has_no_room_for_inputs", _no_room_for_inputs),
        Fault("worker.finds_no_gateway", _gateway_is_away),
    ]
