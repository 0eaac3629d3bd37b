"""Use case: ask once more for what a failed, cancelled or expired job was to do."""

from dataclasses import dataclass
from decimal import Decimal

from gateway.core.idempotency import binding
from gateway.core.job import Status, no_such_job
from gateway.core.pricing import MICRO
from gateway.ports.job_store import JobStore
from gateway.services.job_request import JobRequest
from gateway.services.submit_job import SubmitJob, Submitted
from shared.errors import Conflict

ROUTE = "POST /v1/jobs/retry"
RETRYABLE = frozenset({Status.FAILED, Status.CANCELLED, Status.EXPIRED})


@dataclass(frozen=True, slots=True)
class RetryJob:
    """A new job of the same input, labels and limits; the old one stays as it ended."""

    store: JobStore
    submit: SubmitJob

    async def __call__(
        self, tenant: str, job_id: str, *, key: str | None, trace: str
    ) -> Submitted:
        """Return the new job, or the one this key made before.

        All is checked anew. Raises what `SubmitJob` does, `NotFound` where there is no such
        job, and `Conflict` (`not_retryable`) where it has not ended, or well.
        """
        bind = binding(ROUTE, key, {"job_id": job_id})
        if earlier := await self.submit.earlier(tenant, bind):
            return earlier
        old = await self.store.get(job_id, tenant=tenant)
        if old is None:
            raise no_such_job(f"no job {job_id} of {tenant}")
        if old.status not in RETRYABLE:
            raise Conflict(
                f"job {job_id} is {old.status}",
                public="Only a job that failed, was cancelled or expired can be retried.",
                code="not_retryable",
            )
        most = old.max_cost_micro_usd
        asked = JobRequest(
            kind=old.kind,
            input=old.input,
            labels=old.labels,
            deadline_s=max(1, round((old.deadline_at - old.created_at).total_seconds())),
            webhook=old.webhook,
            max_cost_usd=None if most is None else Decimal(most) / MICRO,
        )
        return await self.submit(
            tenant, asked, trace=trace, bind=bind, surface=old.surface, retry_of=old.id
        )
