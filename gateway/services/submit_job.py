"""Use case: take one piece of work of a kind, or say what it would cost."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from pydantic import Field

from gateway.core import effects
from gateway.core.budgets import micro_usd
from gateway.core.idempotency import IdempotencyKey, binding
from gateway.core.job import LONGEST_LIFE, Job
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
from gateway.services.resolve_files import ResolvedFile, ResolveFiles
from gateway.services.reuse_result import ReuseResult, Work
from shared.artifacts import references_in
from shared.errors import Conflict, FieldError, NotFound, TryAgainLater, ValidationFailed
from shared.job_kind import JobKind, Wire
from shared.logs import add_log_fields
from shared.numbers import Usd

LONGEST_DEADLINE_S = int(LONGEST_LIFE.total_seconds())
ROUTE = "POST /v1/jobs"
FREE = "an earlier result, free"
# A lost race for a key or an id is lost to a job that stays, but for one deleted since.
MOST_TRIES = 5
# Members of an input, theirs included. Ten thousand keyframes take 0.2 s to check.
CHECKED_AT_ONCE = 200


class JobRequest(Wire):
    """What a caller asks for: a kind, by its dotted name, and that kind's input."""

    kind: str = Field(max_length=128)
    input: dict[str, Any]
    labels: dict[str, str] = Field(default_factory=dict)
    deadline_s: int | None = Field(None, ge=1, le=LONGEST_DEADLINE_S, strict=True)
    max_cost_usd: Usd | None = Field(
        None,
        description="What the job may cost at most, further attempts included, in dollars.",
    )
    webhook: bool = Field(
        default=True,
        strict=True,
        description="Whether the job's end is told to your webhook endpoints.",
    )
    dry_run: bool = Field(default=False, strict=True)
    reuse: bool = Field(
        default=False,
        strict=True,
        description="Take what an earlier job of yours made of the very same, if it is there.",
    )


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job would likely cost and take, and what it would make."""

    micro_usd: int
    seconds: float
    basis: str
    outputs: tuple[str, ...]
    warnings: tuple[str, ...] = field(default=())
    would_reuse: bool = False
    reserve_micro_usd: int = 0


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

    kinds: Mapping[str, JobKind[Any, Any]]
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
    labels_limit: int

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
        kind, job_input = await self._parse(asked)
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

    async def binding(self, asked: JobRequest, key: str | None) -> IdempotencyKey | None:
        """Return what the key names on `POST /v1/jobs`; raises `ValidationFailed`."""
        if key is None:
            return None
        kind, job_input = await self._parse(asked)
        canonical = {
            "kind": kind.name,
            "input": job_input.model_dump(mode="json"),
            "labels": asked.labels,
            "deadline_s": asked.deadline_s or kind.deadline_s,
        }
        if asked.reuse:  # left out else, as it was before there was such a field
            canonical["reuse"] = True
        if asked.max_cost_usd is not None:  # as above
            canonical["max_cost_micro_usd"] = micro_usd(asked.max_cost_usd)
        if not asked.webhook:  # as above
            canonical["webhook"] = False
        return binding(ROUTE, key, canonical)

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

    async def estimate(self, tenant: str, asked: JobRequest) -> Estimate:
        """Return what the job would cost; checks as a submission does, writes nothing."""
        kind, job_input = await self._parse(asked)
        files = await self.resolve(tenant, references_in(job_input))
        outputs = kind.outputs_of(job_input)
        if asked.reuse and await self.reuse.would(
            tenant,
            Work(
                kind.name,
                kind.version,
                job_input.model_dump(mode="json"),
                tuple(each.file for each in files),
            ),
        ):
            return Estimate(0, 0.0, FREE, outputs, would_reuse=True)
        stored = {each.file.name: each.stored for each in files}
        likely_s = kind.price.likely_s(job_input, stored)
        rate = self.endpoints.for_compute(kind.compute).rate
        reserve = reserve_micro_usd(rate, kind.price.limit_s(job_input, stored))
        warnings = await self.room.warnings(tenant, reserve, _most(asked))
        return Estimate(
            estimate_micro_usd(rate, likely_s),
            likely_s,
            kind.price.basis,
            outputs,
            warnings,
            reserve_micro_usd=reserve,
        )

    async def _parse(self, asked: JobRequest) -> tuple[JobKind[Any, Any], Wire]:
        kind = self.kinds.get(asked.kind)
        if kind is None:
            raise ValidationFailed(
                [FieldError.at(("kind",), "there is no such kind of job")], code="unknown_kind"
            )
        self._check_labels(asked.labels)
        if _holds_more_than(CHECKED_AT_ONCE, asked.input):
            # It holds up nobody else; what is short is checked before a thread has begun.
            return kind, await asyncio.to_thread(kind.parse_input, asked.input)
        return kind, kind.parse_input(asked.input)

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
            max_cost_micro_usd=_most(asked),
        )

    def _check_labels(self, labels: Mapping[str, str]) -> None:
        if len(labels) > self.labels_limit:
            raise ValidationFailed(
                [FieldError.at(("labels",), f"at most {self.labels_limit} labels are taken")]
            )
        wrong = [
            FieldError.at(("labels", name), "a label's name and value have 1 to 64 characters")
            for name, value in labels.items()
            if not (1 <= len(name) <= 64 and 1 <= len(value) <= 64)
        ]
        if wrong:
            raise ValidationFailed(wrong)


def _most(asked: JobRequest) -> int | None:
    return None if asked.max_cost_usd is None else micro_usd(asked.max_cost_usd)


def _holds_more_than(most: int, value: object) -> bool:
    """True where there are more members in it than that, at all depths; looks at no more."""
    left, unseen = most, [value]
    while unseen:
        each = unseen.pop()
        members = list(each.values()) if isinstance(each, dict) else each
        if isinstance(members, list):
            left -= len(members)
            if left < 0:
                return True
            unseen.extend(members)
    return False
