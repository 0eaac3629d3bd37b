"""Use case: what a worker says of its attempt, and what it is told in return."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.decision import Refused
from gateway.core.happenings import (
    AttemptLost,
    CheckpointReported,
    Happening,
    ProgressReported,
    WarningReported,
)
from gateway.core.job import Job, JobWarning
from gateway.core.lifecycle import decide
from gateway.ports.asset_store import AssetStore
from gateway.ports.clock import Clock
from gateway.ports.job_store import JobStore
from gateway.services.attempt_gate import AttemptGate
from gateway.services.change_job import ChangeJob
from gateway.services.claim_job import ToldToStop
from gateway.services.finish_attempt import FinishAttempt, report_op
from shared.work import (
    Checkpoint,
    Final,
    Heartbeat,
    Probe,
    Progress,
    ReportAnswer,
    WarningReport,
)

Report = Heartbeat | Progress | Probe | WarningReport | Checkpoint | Final

# A worker ends its work at its deadline by itself; one that does not is cut off.
OVERTIME_S = 30


@dataclass(frozen=True, slots=True)
class RecordReport:
    """The same `(fence, report_no)` again gets the stored answer; a closed attempt stops."""

    gate: AttemptGate
    store: JobStore
    change: ChangeJob
    finish: FinishAttempt
    assets: AssetStore
    clock: Clock

    async def __call__(self, job_id: str, token: str, report: Report) -> ReportAnswer:
        """Return whether to stop, and until when the attempt may run.

        Raises `Unauthenticated` or `ToldToStop`.
        """
        job = await self.gate.genuine(job_id, token, report.fence)
        op = report_op(job_id, report.fence, report.report_no)
        stored = await self.store.outcome_of(op)
        if stored is not None:
            return ReportAnswer.model_validate(stored)
        self.gate.must_be_heard(job, report.fence)
        if job.is_final:
            return await self._too_late(op, job, report)
        if isinstance(report, Final):
            return await self._final(op, job, report)
        await self._cut_off_overtime(job)
        if isinstance(report, Probe):
            await self._probe(job, report)
        return await self._said(op, job, _happening(report))

    async def _said(self, op: str, job: Job, happening: Happening | None) -> ReportAnswer:
        answer = _answer(job)
        now = self.clock.now()
        if happening is None or not _matters(job, happening, now):
            await self.store.touch(op, job, now, answer.model_dump(mode="json"))
            return answer
        try:
            changed = await self.change(
                op,
                job.id,
                happening,
                outcome=lambda after: _answer(after).model_dump(mode="json"),
            )
        except Refused as error:
            return await self._ended_meanwhile(op, job, error)
        return ReportAnswer.model_validate(changed.outcome)

    async def _final(self, op: str, job: Job, final: Final) -> ReportAnswer:
        try:
            changed = await self.finish(job, final)
        except Refused as error:
            return await self._ended_meanwhile(op, job, error, final)
        return ReportAnswer.model_validate(changed.outcome)

    async def _ended_meanwhile(
        self, op: str, job: Job, error: Refused, report: Report | None = None
    ) -> ReportAnswer:
        job_now = await self.change.load(job.id)
        if not job_now.is_final or job_now.fence != job.fence:
            raise ToldToStop(str(error)) from error
        return await self._too_late(op, job_now, report)

    async def _too_late(self, op: str, job: Job, report: Report | None) -> ReportAnswer:
        """The job has ended: the work is to stop; a last word still counts for the bill."""
        if isinstance(report, Final):
            await self.finish.note(job, report)
        answer = ReportAnswer(cancel=True, deadline_at=job.attempt_deadline_at)
        await self.store.touch(op, job, self.clock.now(), answer.model_dump(mode="json"))
        return answer

    async def _cut_off_overtime(self, job: Job) -> None:
        deadline_at = job.attempt_deadline_at
        if deadline_at is None:
            return
        if self.clock.now() <= deadline_at + timedelta(seconds=OVERTIME_S):
            return
        with suppress(Refused):  # it ended meanwhile: this worker stops all the same
            await self.change(f"overtime:{job.id}:{job.fence}", job.id, AttemptLost("timeout"))
        raise ToldToStop("the attempt ran over its time")

    async def _probe(self, job: Job, report: Probe) -> None:
        file = next((each for each in job.files if each.name == report.asset), None)
        if file is not None and file.asset_id is not None:
            await self.assets.record_probe(file.asset_id, report.sha256, report.probe)


def _happening(report: Report) -> Happening | None:
    match report:
        case Progress():
            return ProgressReported(report.stage, report.progress)
        case WarningReport():
            return WarningReported(JobWarning(report.warning.code, report.warning.message))
        case Checkpoint():
            return CheckpointReported(report.data)
        case _:
            return None


def _matters(job: Job, happening: Happening, now: datetime) -> bool:
    """True unless the happening would only note that the attempt was heard."""
    if not isinstance(happening, ProgressReported | WarningReported):
        return True
    return bool(decide(job, happening, now).events)


def _answer(job: Job) -> ReportAnswer:
    return ReportAnswer(cancel=False, deadline_at=job.attempt_deadline_at)
