"""What is kept of each attempt, in memory; and since when the gateway could hear."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from typing_extensions import override

from gateway.adapters.memory.budgets import close
from gateway.adapters.memory.tables import Tables
from gateway.ports.attempt_log import (
    Attempt,
    AttemptLog,
    Costs,
    Grant,
    LedgerEntry,
    RunpodJob,
    added_up,
)
from gateway.ports.liveness import Liveness


class MemoryAttemptLog(AttemptLog):
    """Attempts in dictionaries, under the same rules as the tables."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def attempts(self, job_id: str) -> list[Attempt]:
        mine = [each for each in self._t.attempts.values() if each.job_id == job_id]
        words = self._t.last_words
        return [
            replace(each, ended_at=words.get((job_id, each.fence), each.ended_at))
            for each in sorted(mine, key=lambda each: each.fence)
        ]

    @override
    async def note_worker(self, job_id: str, fence: int, facts: dict[str, Any]) -> None:
        self._t.workers[job_id, fence] = facts

    @override
    async def note_last_word(
        self, job_id: str, fence: int, final: dict[str, Any], at: datetime
    ) -> None:
        if (job_id, fence) in self._t.attempts:
            self._t.last_words.setdefault((job_id, fence), at)

    @override
    async def grant(self, job_id: str, fence: int, grants: Sequence[Grant]) -> None:
        kept = self._t.grants.setdefault((job_id, fence), {})
        kept.update({each.name: each for each in grants})

    @override
    async def grants(self, job_id: str, fence: int) -> list[Grant]:
        kept = self._t.grants.get((job_id, fence), {})
        return [kept[name] for name in sorted(kept)]

    @override
    async def drop_grants(self, job_id: str, fence: int) -> None:
        self._t.grants.pop((job_id, fence), None)

    @override
    async def note_runpod_job(
        self, job_id: str, runpod_id: str, submission: int, at: datetime
    ) -> None:
        known = RunpodJob(runpod_id, submission, at, at)
        self._t.runpod.setdefault((job_id, runpod_id), known)

    @override
    async def note_asked(self, job_id: str, runpod_id: str, at: datetime) -> None:
        name = (job_id, runpod_id)
        if name in self._t.runpod:
            self._t.runpod[name] = replace(self._t.runpod[name], asked_at=at)

    @override
    async def runpod_jobs(self, job_id: str) -> list[RunpodJob]:
        mine = [each for (job, _), each in self._t.runpod.items() if job == job_id]
        return sorted(mine, key=lambda each: (each.submission, each.learnt_at))

    @override
    async def settle(
        self, job_id: str, fence: int, micro_usd: int | None, at: datetime
    ) -> None:
        close(self._t, job_id, fence, micro_usd)

    @override
    async def costs(self, job_id: str) -> Costs:
        return (await self.costs_of([job_id]))[job_id]

    @override
    async def costs_of(self, job_ids: Sequence[str]) -> dict[str, Costs]:
        entries: dict[str, list[LedgerEntry]] = {job_id: [] for job_id in job_ids}
        for (job_id, fence, entry), amount in self._t.ledger.items():
            if job_id in entries:
                entries[job_id].append((fence, entry, amount))
        return {job_id: added_up(mine) for job_id, mine in entries.items()}


class MemoryLiveness(Liveness):
    """Two instants."""

    def __init__(self) -> None:
        self.ticked_at: datetime | None = None
        self._heard_since: datetime | None = None

    @override
    async def started(self, now: datetime) -> None:
        self.ticked_at = self._heard_since = now

    @override
    async def ticked(self, now: datetime, longest_gap_s: float) -> datetime:
        last, since = self.ticked_at, self._heard_since
        if last is None or since is None or now - last > timedelta(seconds=longest_gap_s):
            since = now
        self.ticked_at = max(now, last or now)
        self._heard_since = since
        return since
