"""Use case: take one piece of work of a kind, or say what it would cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import Field

from gateway.core import effects
from gateway.core.idempotency import request_hash
from gateway.core.job import Job
from gateway.core.pricing import estimate_micro_usd, reserve_micro_usd
from gateway.ports.clock import Clock
from gateway.ports.job_store import (
    FileGone,
    IdempotencyKey,
    JobStore,
    KeyTaken,
    NewJob,
    TooManyOpenJobs,
)
from gateway.services.endpoints import Endpoints
from gateway.services.resolve_files import ResolvedFile, ResolveFiles
from shared.artifacts import references_in
from shared.errors import Conflict, FieldError, NotFound, TryAgainLater, ValidationFailed
from shared.job_kind import JobKind, Wire

LONGEST_DEADLINE_S = 7 * 24 * 3600
ROUTE = "POST /v1/jobs"


class JobRequest(Wire):
    """What a caller asks for: a kind, by its dotted name, and that kind's input."""

    kind: str = Field(max_length=128)
    input: dict[str, Any]
    labels: dict[str, str] = Field(default_factory=dict, max_length=16)
    deadline_s: int | None = Field(None, ge=1, le=LONGEST_DEADLINE_S, strict=True)
    dry_run: bool = Field(default=False, strict=True)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job would likely cost and take, and what it would make."""

    micro_usd: int
    seconds: float
    basis: str
    outputs: tuple[str, ...]
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Submitted:
    """The accepted job; `replayed` where the idempotency key was bound before."""

    job: Job
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class SubmitJob:
    """Checks everything first; then one batch writes job, reserve, event and effect."""

    kinds: Mapping[str, JobKind[Any, Any]]
    store: JobStore
    resolve: ResolveFiles
    endpoints: Endpoints
    clock: Clock
    new_id: Callable[[], str]
    wake: Callable[[], None]
    max_retries: int
    open_jobs_limit: int

    async def __call__(
        self, tenant: str, asked: JobRequest, *, key: str | None, trace: str
    ) -> Submitted:
        """Return the job, queued or, under a key bound before, as it stands now.

        Raises `ValidationFailed`, `NotFound` for a file, `Conflict` where the key is bound
        to another request, `TryAgainLater` at the tenant's limit of open jobs.
        """
        kind, job_input = self._parse(asked)
        bind = IdempotencyKey(ROUTE, key, _hash(asked, kind, job_input)) if key else None
        if bind and (earlier := await self._replay(tenant, bind)):
            return earlier
        files = await self.resolve(tenant, references_in(job_input))
        job = self._job(tenant, asked, kind, job_input, files, trace)
        first = effects.dispatch(job, at=job.created_at)
        new = NewJob(f"job:{job.id}", job, (first,), bind, self.open_jobs_limit)
        try:
            await self.store.create(new)
        except KeyTaken:
            earlier = await self._replay(tenant, bind) if bind else None
            if earlier is None:
                raise
            return earlier
        except TooManyOpenJobs as error:
            raise TryAgainLater(
                f"{tenant} is at its limit of open jobs",
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
        self.wake()
        return Submitted(job)

    async def estimate(self, tenant: str, asked: JobRequest) -> Estimate:
        """Return what the job would cost; checks as a submission does, writes nothing."""
        kind, job_input = self._parse(asked)
        files = await self.resolve(tenant, references_in(job_input))
        likely_s = kind.price.likely_s(
            job_input, {each.file.name: each.stored for each in files}
        )
        rate = self.endpoints.for_compute(kind.compute).rate
        return Estimate(
            estimate_micro_usd(rate, likely_s), likely_s, kind.price.basis, tuple(kind.outputs)
        )

    def _parse(self, asked: JobRequest) -> tuple[JobKind[Any, Any], Wire]:
        kind = self.kinds.get(asked.kind)
        if kind is None:
            raise ValidationFailed(
                [FieldError.at(("kind",), "there is no such kind of job")], code="unknown_kind"
            )
        _check_labels(asked.labels)
        return kind, kind.parse_input(asked.input)

    async def _replay(self, tenant: str, bind: IdempotencyKey) -> Submitted | None:
        bound = await self.store.bound_to(tenant, bind.route, bind.key)
        if bound is None:
            return None
        job, earlier_hash = bound
        if earlier_hash != bind.request_hash:
            raise Conflict(
                "idempotency key bound to another request",
                public="This idempotency key was used for a different request.",
                code="idempotency_conflict",
            )
        return Submitted(job, replayed=True)

    def _job(
        self,
        tenant: str,
        asked: JobRequest,
        kind: JobKind[Any, Any],
        job_input: Wire,
        files: list[ResolvedFile],
        trace: str,
    ) -> Job:
        now = self.clock.now()
        stored = {each.file.name: each.stored for each in files}
        limit_s = kind.price.limit_s(job_input, stored)
        endpoint = self.endpoints.for_compute(kind.compute)
        rate = endpoint.rate
        return Job(
            id=self.new_id(),
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
        )


def _hash(asked: JobRequest, kind: JobKind[Any, Any], job_input: Wire) -> str:
    return request_hash(
        {
            "kind": kind.name,
            "input": job_input.model_dump(mode="json"),
            "labels": asked.labels,
            "deadline_s": asked.deadline_s or kind.deadline_s,
        }
    )


def _check_labels(labels: Mapping[str, str]) -> None:
    wrong = [
        FieldError.at(("labels", name), "a label's name and value have 1 to 64 characters")
        for name, value in labels.items()
        if not (1 <= len(name) <= 64 and 1 <= len(value) <= 64)
    ]
    if wrong:
        raise ValidationFailed(wrong)
