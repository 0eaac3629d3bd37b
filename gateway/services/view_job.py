"""A job as its owner reads it: the snapshot, with input, cost, links and fresh URLs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.core.job import Job, JobOutput, WaitingFor
from gateway.core.pricing import usd
from gateway.core.snapshot import snapshot, timestamp
from gateway.ports.attempt_log import AttemptLog, Costs
from gateway.ports.job_line import JobLine
from gateway.ports.url_signer import UrlSigner


@dataclass(frozen=True, slots=True)
class ViewJob:
    """URLs are signed at read time; nothing is written.

    `outputs_kept`: how long outputs are kept after they were made; None is for ever.
    """

    line: JobLine
    attempts: AttemptLog
    signer: UrlSigner
    url_life_s: int
    outputs_kept: timedelta | None = None

    async def __call__(self, job: Job) -> dict[str, Any]:
        """Return the job object of `/v1`."""
        [view] = await self.all([job])
        return view

    def fresh(self, job: Job, ahead: int) -> dict[str, Any]:
        """Return the job object of one that was made just now: nothing has to be asked.

        `ahead`: how many wait in front of it.
        """
        return self._view(job, Costs(job.reserve_micro_usd, None), ahead)

    async def all(self, jobs: Sequence[Job]) -> list[dict[str, Any]]:
        """Return the job objects of at most 100 jobs, their costs asked for in one question."""
        if not jobs:
            return []
        costs = await self.attempts.costs_of([job.id for job in jobs])
        waiting = [job for job in jobs if job.waiting_for is WaitingFor.SLOT]
        positions = await self.line.positions(waiting) if waiting else {}
        return [self._view(job, costs[job.id], positions.get(job.id)) for job in jobs]

    def _view(self, job: Job, costs: Costs, position: int | None) -> dict[str, Any]:
        view = snapshot(job)
        view["input"] = job.input
        view["outputs"] = [
            {**shown, **self._signed(job, output)}
            for shown, output in zip(view["outputs"], job.outputs, strict=True)
        ]
        view["outputs_expire_at"] = timestamp(self._outputs_until(job))
        view["cost"] = {
            "estimated_usd": usd(job.estimated_micro_usd),
            "reserved_usd": usd(costs.reserved_micro_usd),
            "actual_usd": _actual_usd(job, costs),
        }
        if job.waiting_for is WaitingFor.SLOT:
            # Left the line since the job was read: nothing is in front of it.
            view["position"] = position or 0
        view["links"] = {
            "events": f"/v1/jobs/{job.id}/events",
            "live": f"/v1/jobs/{job.id}/live",
            "cancel": f"/v1/jobs/{job.id}/cancel",
        }
        return view

    def _signed(self, job: Job, output: JobOutput) -> dict[str, Any]:
        if job.outputs_expired_at is not None:
            return {"url": None, "expires_at": None}
        name = f"{output.name}{_suffix(output.key)}"
        signed = self.signer.sign_get(output.key, expires_s=self.url_life_s, file_name=name)
        return {"url": signed.url, "expires_at": timestamp(signed.expires_at)}

    def _outputs_until(self, job: Job) -> datetime | None:
        """When the outputs are removed, or were; None where they stay until the job goes."""
        if job.outputs_expired_at or job.outputs_at is None or self.outputs_kept is None:
            return job.outputs_expired_at
        return job.outputs_at + self.outputs_kept


def _actual_usd(job: Job, costs: Costs) -> str | None:
    """What was spent, once that is known; nothing ever is on what was used again."""
    spent = 0 if job.reused_from else costs.actual_micro_usd
    return None if spent is None else usd(spent)


def _suffix(key: str) -> str:
    _, dot, extension = key.rpartition(".")
    return f"{dot}{extension}" if dot else ""
