"""Use case: say what a job would cost, take and make."""

from dataclasses import dataclass, field

from gateway.core.pricing import estimate_micro_usd, reserve_micro_usd
from gateway.services.budget_room import BudgetRoom
from gateway.services.endpoints import Endpoints
from gateway.services.job_request import JobRequest, ReadRequest
from gateway.services.resolve_files import ResolveFiles
from gateway.services.reuse_result import ReuseResult, Work
from shared.artifacts import references_in

FREE = "an earlier result, free"


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
class EstimateJob:
    """Checks as a submission does, and writes nothing."""

    read: ReadRequest
    resolve: ResolveFiles
    reuse: ReuseResult
    room: BudgetRoom
    endpoints: Endpoints

    async def __call__(self, tenant: str, asked: JobRequest) -> Estimate:
        """Return what the job would cost; raises as a submission does."""
        kind, job_input = await self.read(asked)
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
        warnings = await self.room.warnings(tenant, reserve, asked.max_cost_micro_usd)
        return Estimate(
            estimate_micro_usd(rate, likely_s),
            likely_s,
            kind.price.basis,
            outputs,
            warnings,
            reserve_micro_usd=reserve,
        )
