"""Ports that break a promise on purpose: what holds an invariant must see each of them.

Handed to a gateway in the place of what they stand before, as `broken=with_jobs(Blind)`.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from gateway.core.job import AttemptState, Job
from gateway.ports.job_store import Change, Committed
from gateway.ports.object_store import StoredObject
from gateway.wiring_ports import Ports
from tests.support.world import VIDEO

Broken = Callable[[Ports], Ports]


class InTheWay:
    """Stands before a port, and does all as it does."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


class Blind(InTheWay):
    """Writes over whatever is there, as if nobody had written meanwhile."""

    def __init__(self, port: Any) -> None:
        super().__init__(port)
        self._one_at_a_time = asyncio.Lock()

    async def commit(self, change: Change) -> Committed:
        async with self._one_at_a_time:
            now = await self._port.get(change.before.id)
            before = replace(change.before, version=now.version)
            seq = now.seq + len(change.events)
            after = replace(change.after, version=now.version + 1, seq=seq)
            over = replace(change, before=before, after=after)
            done: Committed = await self._port.commit(over)
        return done


class BlindOfTwo(Blind):
    """Writes over the one who writes at the same time; each waits for the other."""

    def __init__(self, port: Any) -> None:
        super().__init__(port)
        self._both = asyncio.Barrier(2)

    async def commit(self, change: Change) -> Committed:
        async with asyncio.timeout(60):
            await self._both.wait()
        return await super().commit(change)


class Stale(Blind):
    """Shows a running job as it was when it was first seen to run, and writes over the rest."""

    def __init__(self, port: Any) -> None:
        super().__init__(port)
        self._running: dict[str, Job] = {}

    async def get(self, job_id: str, **more: Any) -> Job | None:
        job: Job | None = await self._port.get(job_id, **more)
        if job is not None and job.status == "running":
            self._running.setdefault(job_id, job)
        return self._running.get(job_id, job)


class Silent(InTheWay):
    """Forgets what a change leaves for the world to be told."""

    async def commit(self, change: Change) -> Committed:
        done: Committed = await self._port.commit(replace(change, effects=()))
        return done


class Forgetful(InTheWay):
    """Knows no idempotency key."""

    async def bound_to(self, *_: Any) -> None:
        return None

    async def create(self, new: Any) -> Any:
        return await self._port.create(replace(new, idempotency=None))


class Absent(InTheWay):
    """Accepts jobs and writes none."""

    async def create(self, _: Any) -> int:
        return 0


class Deaf(InTheWay):
    """Remembers nothing that was answered before."""

    async def outcome_of(self, _: str) -> None:
        return None


class Undead(InTheWay):
    """Takes every attempt for the open one, and every job for a running one."""

    async def get(self, job_id: str, **more: Any) -> Job | None:
        job: Job | None = await self._port.get(job_id, **more)
        if job is None or job.fence == 0:
            return job
        return replace(job, status="running", attempt_state=AttemptState.OPEN)


class Indiscreet(InTheWay):
    """Finds a job whoever asks."""

    async def get(self, job_id: str, **_: Any) -> Any:
        return await self._port.get(job_id)


class Boundless(InTheWay):
    """Takes any number of jobs, and gives any number of slots."""

    async def create(self, new: Any) -> Any:
        return await self._port.create(replace(new, open_jobs_limit=10**6))

    async def commit(self, change: Change) -> Committed:
        done: Committed = await self._port.commit(replace(change, slot_cap=None))
        return done


class Credulous(InTheWay):
    """Says of whatever it is asked about that it is in the bucket."""

    async def head(self, key: str) -> StoredObject:
        return StoredObject(key, len(VIDEO), "etag", "video/mp4")


class Lossy(InTheWay):
    """Leaves out one line of every log."""

    async def read(self, job_id: str, after: int, limit: int) -> Sequence[Any]:
        lines = await self._port.read(job_id, after, limit)
        return [line for line in lines if line.seq != 1]


def with_jobs(wrong: Callable[[Any], Any]) -> Broken:
    """Put it before the store of jobs."""
    return lambda has: replace(has, jobs=wrong(has.jobs))


def with_objects(wrong: Callable[[Any], Any]) -> Broken:
    """Put it before the bucket, as the gateway asks it."""
    return lambda has: replace(has, objects=wrong(has.objects))


def with_events(wrong: Callable[[Any], Any]) -> Broken:
    """Put it before the logs that watchers read."""
    return lambda has: replace(has, events=wrong(has.events))


def with_signer(wrong: Callable[[Any], Any]) -> Broken:
    """Put it before what signs URLs."""
    return lambda has: replace(has, signer=wrong(has.signer))
