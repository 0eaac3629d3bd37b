"""Jobs: submit, read, cancel."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from gateway.api.auth import JobCaller, Reader
from gateway.api.problems import request_id_of
from gateway.api.use_cases import Jobs
from gateway.core.job import Job
from gateway.core.pricing import usd
from gateway.services.submit_job import JobRequest
from shared.errors import NotFound

router = APIRouter(prefix="/v1", tags=["jobs"])

IdempotencyHeader = Annotated[
    str | None, Header(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")
]


async def owned_job(jobs: Jobs, tenant: str, job_id: str) -> Job:
    """Return the tenant's job; another's answers like one that is not there."""
    job = await jobs.store.get(job_id, tenant=tenant)
    if job is None:
        raise NotFound(f"no job {job_id} of {tenant}", public="There is no such job.")
    return job


@router.post("/jobs", status_code=202)
async def submit_job(
    asked: JobRequest,
    caller: JobCaller,
    jobs: Jobs,
    response: Response,
    request_id: Annotated[str, request_id_of],
    idempotency_key: IdempotencyHeader = None,
) -> dict[str, Any]:
    """Accept one job, or say what it would cost (`dry_run`)."""
    if asked.dry_run:
        estimate = await jobs.submit.estimate(caller.tenant, asked)
        response.status_code = 200
        return {
            "estimate": {
                "cost_usd": usd(estimate.micro_usd),
                "seconds": round(estimate.seconds, 1),
                "basis": estimate.basis,
            },
            "outputs": list(estimate.outputs),
            "warnings": list(estimate.warnings),
            "would_reuse": False,
        }
    bind = jobs.submit.binding(asked, idempotency_key)
    submitted = await jobs.submit(caller.tenant, asked, trace=request_id, bind=bind)
    response.status_code = 200 if submitted.replayed else 202
    response.headers["Location"] = f"/v1/jobs/{submitted.job.id}"
    return await jobs.view(submitted.job)


@router.get("/jobs/{job_id}")
async def read_job(job_id: str, caller: Reader, jobs: Jobs) -> dict[str, Any]:
    """Read one job; output URLs are signed now and expire."""
    return await jobs.view(await owned_job(jobs, caller.tenant, job_id))


@router.post("/jobs/{job_id}/cancel")
async def cancel_job(job_id: str, caller: JobCaller, jobs: Jobs) -> dict[str, Any]:
    """Cancel one job; repeating it is harmless."""
    return await jobs.view(await jobs.cancel(caller.tenant, job_id))
