"""Use case: the caller wants a job no more."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.core.decision import Refused
from gateway.core.happenings import CancelAsked
from gateway.core.job import Job, Status, no_such_job
from gateway.ports.job_store import JobStore
from gateway.services.change_job import ChangeJob
from shared.errors import Conflict


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Decides and answers at once; the worker learns of it from its next report."""

    store: JobStore
    change: ChangeJob
    new_id: Callable[[], str]

    async def __call__(self, tenant: str, job_id: str) -> Job:
        """Return the cancelled job, also when it was cancelled before.

        Raises `NotFound`, or `Conflict` (`already_finished`) where it ended another way.
        """
        if await self.store.get(job_id, tenant=tenant) is None:
            raise no_such_job(f"no job {job_id}")
        try:
            return (await self.change(f"cancel:{self.new_id()}", job_id, CancelAsked())).job
        except Refused as error:
            job = await self.change.load(job_id)
            if job.status is Status.CANCELLED:
                return job
            raise Conflict(
                str(error),
                public=f"The job has already ended: {job.status}.",
                code="already_finished",
            ) from error
