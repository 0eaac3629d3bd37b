"""Everybody who has a say in jobs, each as a deed of two small numbers, on several gateways.

What was promised to somebody is kept, to be held against the tables after every step.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from typing_extensions import override

from gateway.adapters.sql.engine import Row, SqlEngine, Statement
from gateway.core.decision import Refused
from gateway.core.idempotency import binding
from gateway.ports.compute import ComputeState
from gateway.services.claim_job import ToldToStop
from gateway.services.job_request import JobRequest
from shared.artifacts import Output
from shared.errors import CutroomError, TryAgainLater
from shared.work import MANIFEST, OutputsRequest
from tests.support.audit import rows_of
from tests.support.house import Door, an_output
from tests.support.world import VIDEO, Worker

TENANTS = ("default", "other")
FINE, UNWRITTEN, UNHEARD = "fine", "unwritten", "unheard"
PAUSES_S = (0, 1, 5, 20, 70, 150, 1000, 4000)
CODES = ("worker_lost", "internal", "timeout", "unheard_of")
LEASE_S = 30
PUBLISHED = """
SELECT j.id, json_extract(o.value, '$.key'), json_extract(o.value, '$.size_bytes')
    FROM jobs j, json_each(j.outputs) o WHERE j.status = 'succeeded' AND j.deleted_at IS NULL
    AND j.outputs_expired_at IS NULL
"""
STATES = (ComputeState.FAILED, ComputeState.GONE, ComputeState.TIMED_OUT, ComputeState.RUNNING)


class Shaky(SqlEngine):
    """An engine whose next batches fail as they are told to."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self.faults: list[str] = []

    @override
    async def batch(self, statements: Sequence[Statement]) -> list[list[Row]]:
        fault = self.faults.pop(0) if self.faults else FINE
        if fault == UNWRITTEN:
            raise TryAgainLater("not written", public="Later.")
        rows = await self._engine.batch(statements)
        if fault == UNHEARD:
            raise TryAgainLater("written, and the answer lost", public="Later.")
        return rows

    @override
    async def fetch(self, sql: str, params: Any = ()) -> list[Row]:
        return await self._engine.fetch(sql, params)

    @override
    async def aclose(self) -> None:
        await self._engine.aclose()


class Hand(Worker):
    """A worker whose URLs may die while it puts: the clock is moved by whoever plays."""

    @override
    async def put(self, *names: str, body: bytes = VIDEO) -> list[Output]:
        try:
            return await super().put(*names, body=body)
        except AssertionError as error:
            raise Refused("the store refused the bytes") from error


class Party:
    """Each deed is asked of one of the gateways, as its numbers say.

    `known`: jobs that were answered for. `given_up`: those whose deletion was asked for.
    `bound`: the job that each idempotency key was answered with. `succeeded`: jobs whose
    worker heard that its success was taken. `said`: what each report was answered.
    """

    def __init__(self, doors: list[Door], asset_id: str) -> None:
        self.doors = doors
        self.asset_id = asset_id
        self.outside = doors[0].outside
        self.known: list[tuple[str, str]] = []
        self.given_up: set[str] = set()
        self.bound: dict[tuple[str, str], str] = {}
        self.orders: list[tuple[str, JobRequest, str | None]] = []
        self.workers: list[Worker] = []
        self.succeeded: set[str] = set()
        self.said: dict[tuple[str, int, int], Any] = {}
        self.happened: Counter[str] = Counter()

    def _door(self, n: int, m: int) -> Door:
        return self.doors[(n + m) % len(self.doors)]

    def _job(self, n: int) -> tuple[str, str]:
        return self.known[-1 - n % len(self.known)] if self.known else ("default", "nobody")

    def _worker(self, n: int, m: int = 0) -> Worker:
        if not self.workers:
            raise Refused("nobody works")
        worker = self.workers[-1 - n % min(3, len(self.workers))]
        worker.world = self._door(n, m)
        return worker

    # -- callers ---------------------------------------------------------------

    async def submit(self, n: int, m: int) -> None:
        tenant, source = TENANTS[m == 7], None
        made = sorted(self.succeeded)
        if m % 3 == 0 and made:
            source = {"job_id": made[-1 - m % len(made)], "output": "video"}
        elif m % 3 == 1:
            source = {"asset_id": self.asset_id}
        asked = JobRequest(
            kind="test.copy",
            input={"n": n % 2, "source": source},
            labels={"n": str(n)},
            reuse=m in {2, 3},
        )
        wanted = f"wanted{n % 3}" if n > 5 else None
        await self._ask(self._door(n, m), tenant, asked, f"k{m}" if n % 2 else None, wanted)

    async def resubmit(self, n: int, m: int) -> None:
        """Repeat an order word by word, of whichever gateway."""
        if self.orders:
            tenant, asked, key = self.orders[-1 - n % len(self.orders)]
            await self._ask(self._door(n, m), tenant, asked, key, None)

    async def _ask(
        self, door: Door, tenant: str, asked: JobRequest, key: str | None, wanted: str | None
    ) -> None:
        self.orders.append((tenant, asked, key))
        bind = binding("r", key, asked.model_dump(mode="json")) if key else None
        made = await door.cases.submit(tenant, asked, trace="t", bind=bind, job_id=wanted)
        self.known.append((tenant, made.job.id))
        if key is not None:
            earlier = self.bound.setdefault((tenant, key), made.job.id)
            assert earlier in {made.job.id, *self.given_up}, f"{key} made two jobs"
            self.bound[tenant, key] = made.job.id

    async def cancel(self, n: int, m: int) -> None:
        await self._door(n, m).cases.cancel(*self._job(n))

    async def retry(self, n: int, m: int) -> None:
        tenant, job_id = self._job(n)
        key = f"r{m}" if m % 2 else None
        made = await self._door(n, m).cases.retry(tenant, job_id, key=key, trace="t")
        self.known.append((tenant, made.job.id))

    async def delete(self, n: int, m: int) -> None:
        tenant, job_id = self._job(n)
        self.given_up.add(job_id)
        await self._door(n, m).cases.delete(tenant, job_id)

    # -- workers ---------------------------------------------------------------

    async def claim(self, n: int, m: int) -> None:
        submitted = list(self.outside.compute.submitted.items())
        if submitted:
            worker = Hand(self._door(n, m), *submitted[-1 - n % len(submitted)])
            await worker.claim(nonce=f"n{m}" if m > 5 else None)
            # One attempt is one worker, which never gives two of its reports one number.
            if by(worker) not in map(by, self.workers):
                self.workers.append(worker)

    async def render(self, n: int, m: int) -> None:
        """Claim, and get so far."""
        await self._door(n, m).gateway.perform()
        await self.claim(0, m)
        for at in range(1 + n % 3):
            self.outside.clock.move(3)
            await self.progress(1, at + m % 3)
        await self.warn(0, m)

    async def beat(self, n: int, m: int) -> None:
        worker = self._worker(n, m)
        worker.report_no += 1
        await self._heartbeat(worker, worker.report_no)

    async def repeat(self, n: int, m: int) -> None:
        """A heartbeat once more, as it was: its answer is the one it had."""
        worker = self._worker(n, m)
        numbers = [
            number for job_id, fence, number in self.said if (job_id, fence) == by(worker)
        ]
        if numbers:
            await self._heartbeat(worker, numbers[m % len(numbers)])

    async def _heartbeat(self, worker: Worker, number: int) -> None:
        answer = await worker.report("heartbeat", report_no=number)
        first = self.said.setdefault((*by(worker), number), answer)
        assert first == answer, "another answer to one report"

    async def progress(self, n: int, m: int) -> None:
        stage = ("prepare", "render", "upload", "nowhere")[n % 4]
        await self._worker(n, m).report("progress", stage=stage, progress=m / 7)

    async def warn(self, n: int, m: int) -> None:
        warning = {"code": "odd", "message": f"{m % 2}"}
        await self._worker(n, m).report("warning", warning=warning)

    async def checkpoint(self, n: int, m: int) -> None:
        await self._worker(n, m).report("checkpoint", data={"at": m})

    async def put(self, n: int, m: int) -> None:
        await self._worker(n, m).put("video", MANIFEST)

    async def finish(self, n: int, m: int) -> None:
        await self._done(self._worker(n, m))

    async def boast(self, n: int, m: int) -> None:
        """Say that all went well, and put nothing of what was asked for."""
        worker = self._worker(n, m)
        assert worker.order is not None
        items = [Output(**an_output())]
        asked = OutputsRequest(fence=worker.order.fence, items=items)
        await worker.world.cases.grant_outputs(worker.job_id, worker.order.token, asked)
        await worker.say(worker.final(items))

    async def work(self, n: int, m: int) -> None:
        """Everything that goes well with a job, one after the other."""
        await self._door(n, m).gateway.perform()
        await self.claim(n % 2, m)
        await self.progress(0, m)
        await self._done(self._worker(0, m))

    async def _done(self, worker: Worker) -> None:
        answer = await worker.finish()
        if not answer.cancel:
            self.succeeded.add(worker.job_id)

    async def fail(self, n: int, m: int) -> None:
        await self._worker(n, m).fail(CODES[m % len(CODES)])

    async def spoil(self, n: int, m: int) -> None:
        """Claim, and fail for good."""
        await self._door(n, m).gateway.perform()
        await self.claim(0, m)
        await self.fail(0, 1)

    async def stop(self, n: int, m: int) -> None:
        worker = self._worker(n, m)
        await worker.say(worker.final(outcome="stopped", result=None))

    async def once_more(self, n: int, m: int) -> None:
        """A failure that is worth another attempt, and that one's claim."""
        await self.fail(n, 0)
        self.outside.clock.move(70)
        await self._door(n, m).gateway.tick()
        await self.claim(0, m)

    # -- time, and what goes wrong -----------------------------------------------

    async def perform(self, n: int, m: int) -> None:
        await self._door(n, m).gateway.perform()

    async def tick(self, n: int, m: int) -> None:
        self.outside.clock.move(PAUSES_S[n])
        await self._door(n, m).gateway.tick()

    async def die(self, n: int, m: int) -> None:
        """Take the right to perform some effects, and perform none: it runs out."""
        door, now = self._door(n, m), self.outside.clock.now()
        performer = f"dead{next(self.outside.numbers)}"
        until = now + timedelta(seconds=LEASE_S)
        await door.stores.effects.lease(now, until, performer, 1 + m % 3)

    async def outage(self, n: int, m: int) -> None:
        self.outside.compute.be_unavailable(n > 5)
        self.outside.objects.available = m < 6

    async def runpod(self, n: int, m: int) -> None:
        """RunPod says something of a job, or does something odd with the next one."""
        compute = self.outside.compute
        submitted = list(compute.submitted)
        if n == 0:
            compute.accept_and_time_out()
        elif n == 1:
            compute.lose_submits()
        elif submitted:
            compute.set_state(submitted[-1 - n % len(submitted)], STATES[m % len(STATES)])

    async def restart(self, n: int, m: int) -> None:
        """A gateway loses its memory, and another stands in its place."""
        door = self._door(n, m)
        door.gateway = door.boot()
        await door.gateway.start()

    # -- what was promised ---------------------------------------------------------

    def promises_hold(self, reader: sqlite3.Connection) -> None:
        """What was answered for is there; what a worker was told succeeded, did."""
        rows = dict(rows_of(reader, "SELECT id, status FROM jobs"))
        kept = {job_id for _, job_id in self.known} - self.given_up
        assert kept <= rows.keys(), "a job that was accepted is gone"
        done = {job_id for job_id, status in rows.items() if status == "succeeded"}
        assert self.succeeded - self.given_up <= done, "a success that was taken is none"
        for job_id, key, size_bytes in rows_of(reader, PUBLISHED):
            held = self.outside.objects._objects.get(key)
            assert held is not None, f"{job_id} succeeded without {key}"
            assert len(held.body) == size_bytes, f"{key} has another size"


def by(worker: Worker) -> tuple[str, int]:
    """Return which attempt a worker makes."""
    assert worker.order is not None
    return worker.job_id, worker.order.fence


def is_a_refusal(error: BaseException) -> bool:
    """Tell whether somebody was refused in good order."""
    return isinstance(error, CutroomError | ToldToStop | Refused)
