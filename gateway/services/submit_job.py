"""Use case: take one piece of work of a kind."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from gateway.core import effects
from gateway.core.idempotency import IdempotencyKey
from gateway.core.job import Job
from gateway.core.pricing import estimate_micro_usd, reserve_micro_usd
from gateway.core.surfaces import Surface
from gateway.ports.budgets import OverBudget
from gateway.ports.clock import Clock
from gateway.ports.job_store import (
    FileGone,
    JobIdTaken,
    JobStore,
    KeyTaken,
    NewJob,
    SourceGone,
    TooManyOpenJobs,
)
from gateway.services.budget_room import BudgetRoom
from gateway.services.endpoints import Endpoints
from gateway.services.job_request import JobRequest, ReadRequest
from gateway.services.resolve_files import ResolvedFile, ResolveFiles
from gateway.services.reuse_result import ReuseResult
from shared.artifacts import references_in
from shared.errors import Conflict, NotFound, TryAgainLater
from shared.job_kind import JobKind, Wire
from shared.logs import add_log_fields

# A lost race for a key or an id is lost to a job that stays, but for one deleted since.
MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class Submitted:
    """The accepted job; `replayed` where the idempotency key was bound before.

    `ahead`: how many waited in front of one that was made just now.
    """

    job: Job
    replayed: bool = False
    ahead: int | None = None


@dataclass(frozen=True, slots=True)
class SubmitJob:
    """Checks everything first; then one batch writes job, reserve, event and effect."""

    read: ReadRequest
    store: JobStore
    resolve: ResolveFiles
    reuse: ReuseResult
    room: BudgetRoom
    endpoints: Endpoints
    clock: Clock
    new_id: Callable[[], str]
    wake: Callable[[], None]
    max_retries: int
    open_jobs_limit: int

    async def __call__(
        self,
        tenant: str,
        asked: JobRequest,
        *,
        trace: str,
        bind: IdempotencyKey | None = None,
        surface: Surface = Surface.V1,
        job_id: str | None = None,
        retry_of: str | None = None,
    ) -> Submitted:
        """Return the job, queued or, under a key bound before, as it stands now.

        `job_id`: an id the job takes if no job has or had it, else it gets a new one.

        Raises `ValidationFailed`, `NotFound` for a file, `Conflict` where the key is bound
        to another request, `TryAgainLater` at the tenant's limit of open jobs, or where its
        budget has no room.
        """
        if earlier := await self.earlier(tenant, bind):
            return earlier
        kind, job_input = await self.read(asked)
        files = await self.resolve(tenant, references_in(job_input))
        job = self._job(
            tenant,
            asked,
            kind,
            job_input,
            files,
            job_id=job_id or self.new_id(),
            trace=trace,
            surface=surface,
            retry_of=retry_of,
        )
        # The op of a wanted id is a new one, or another's job would look like a repeat.
        op = f"job:{self.new_id() if job_id else job.id}"
        # An id is wanted for keys that its attempts write under; a reused result has none.
        may_reuse = asked.reuse and job_id is None
        if may_reuse and (reused := await self.reuse(op, job, bind)) is not None:
            self.wake()  # its end is to be announced
            add_log_fields(job_id=job.id, kind=job.kind)
            return Submitted(reused)
        self.room.check_limit(job)
        return await self._create(op, job, bind)

    async def earlier(self, tenant: str, bind: IdempotencyKey | None) -> Submitted | None:
        """Return the job that was made under this key, if any, as it stands now.

        Ask before limits, files and whatever else may have changed since. Raises `Conflict`
        (`idempotency_conflict`) where the key is bound to another request.
        """
        bound = await self.store.bound_to(tenant, bind.route, bind.key) if bind else None
        if bound is None or bind is None:
            return None
        job, earlier_hash = bound
        if earlier_hash != bind.request_hash:
            raise Conflict(
                "idempotency key bound to another request",
                public="This idempotency key was used for a different request.",
                code="idempotency_conflict",
            )
        return Submitted(job, replayed=True)

    async def _create(self, op: str, job: Job, bind: IdempotencyKey | None) -> Submitted:
        """Write it, under a new id where its own is taken."""
        for _ in range(MOST_TRIES):
            first = effects.dispatch(job, at=job.created_at)
            try:
                new = NewJob(op, job, (first,), bind, self.open_jobs_limit, self.room.usual)
                ahead = await self.store.create(new)
            except JobIdTaken:
                job = replace(job, id=self.new_id())
            except KeyTaken:
                if earlier := await self.earlier(job.tenant, bind):
                    return earlier  # else that job was deleted again: the key is free
            except OverBudget as error:
                raise self.room.refused(job.tenant, error) from error
            except TooManyOpenJobs as error:
                raise TryAgainLater(
                    f"{job.tenant} is at its limit of open jobs",
                    public="Too many jobs are open. Wait for some to end.",
                    code="too_many_open_jobs",
                    retry_after_s=10,
                ) from error
            except FileGone as error:
                raise NotFound(
                    "an asset went away",
                    public="An input file was deleted.",
                    code="asset_not_found",
                ) from error
            except SourceGone as error:
                raise NotFound(
                    "a job went away",
                    public="A job whose output is an input was deleted.",
                    code="output_not_found",
                ) from error
            else:
                self.wake()
                add_log_fields(job_id=job.id, kind=job.kind)
                return Submitted(job, ahead=ahead)
        raise TryAgainLater("lost every race for an id or a key", public="Try again.")

    def _job(
        self,
        tenant: str,
        asked: JobRequest,
        kind: JobKind[Any, Any],
        job_input: Wire,
        files: list[ResolvedFile],
        *,
        job_id: str,
        trace: str,
        surface: Surface,
        retry_of: str | None,
    ) -> Job:
        now = self.clock.now()
        stored = {each.file.name: each.stored for each in files}
        limit_s = kind.price.limit_s(job_input, stored)
        endpoint = self.endpoints.for_compute(kind.compute)
        rate = endpoint.rate
        return Job(
            id=job_id,
            tenant=tenant,
            kind=kind.name,
            kind_version=kind.version,
            stages=kind.stages,
            input=job_input.model_dump(mode="json"),
            files=tuple(each.file for each in files),
            endpoint=endpoint.name,
            max_attempts=1 + self.max_retries,
            limit_s=limit_s,
            estimated_micro_usd=estimate_micro_usd(
                rate, kind.price.likely_s(job_input, stored)
            ),
            reserve_micro_usd=reserve_micro_usd(rate, limit_s),
            rate_micro_usd_per_s=rate.micro_usd_per_s,
            created_at=now,
            deadline_at=now + timedelta(seconds=asked.deadline_s or kind.deadline_s),
            trace=trace,
            labels=dict(asked.labels),
            surface=surface,
            webhook=asked.webhook,
            retry_of=retry_of,
            max_cost_micro_usd=asked.max_cost_micro_usd,
        )
