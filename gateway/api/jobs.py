"""Jobs: submit, list, cancel, retry, delete; `read_job` has a module of its own."""

from typing import Any

from fastapi import APIRouter, Response

from gateway.api.auth import JobCaller, Reader, Submitter
from gateway.api.dependencies import AsPreferred, Trace
from gateway.api.job_queries import AskedFilter, PageLimit
from gateway.api.said_once import IdempotencyHeader
from gateway.api.use_cases import Jobs, JobUseCases
from gateway.core.job import Job
from gateway.core.pricing import usd
from gateway.services.job_request import JobRequest
from gateway.services.submit_job import Submitted

router = APIRouter(prefix="/v1", tags=["jobs"])


@router.post("/jobs", status_code=202)
async def submit_job(
    asked: JobRequest,
    caller: Submitter,
    jobs: Jobs,
    response: Response,
    trace: Trace,
    until_preferred: AsPreferred,
    idempotency_key: IdempotencyHeader,
) -> dict[str, Any]:
    """Accept one job, or say what it would cost (`dry_run`)."""
    bind = None if asked.dry_run else await jobs.read_request.binding(asked, idempotency_key)
    if caller.over_rate is not None:  # else the submission looks for an earlier one itself
        await caller.earlier(jobs.submit.earlier, bind)
    if asked.dry_run:
        estimate = await jobs.estimate(caller.tenant, asked)
        response.status_code = 200
        return {
            "estimate": {
                "cost_usd": usd(estimate.micro_usd),
                "reserve_usd": usd(estimate.reserve_micro_usd),
                "seconds": round(estimate.seconds, 1),
                "basis": estimate.basis,
            },
            "outputs": list(estimate.outputs),
            "warnings": list(estimate.warnings),
            "would_reuse": estimate.would_reuse,
        }
    submitted = await jobs.submit(caller.tenant, asked, trace=trace, bind=bind)
    job = await until_preferred(submitted.job)
    return await _accepted(jobs, submitted, job, response)


@router.get("/jobs")
async def list_jobs(
    caller: Reader,
    jobs: Jobs,
    wanted: AskedFilter,
    limit: PageLimit = 20,
    cursor: str | None = None,
) -> dict[str, Any]:
    """List jobs, newest first; `next_cursor` asks for what is older than this page."""
    listed = await jobs.list(caller.tenant, wanted, limit=limit, cursor=cursor)
    return {"items": await jobs.view.all(listed.jobs), "next_cursor": listed.next_cursor}


@router.post("/jobs/{job_id}/cancel")
async def cancel_job(job_id: str, caller: JobCaller, jobs: Jobs) -> dict[str, Any]:
    """Cancel one job; repeating it is harmless."""
    return await jobs.view(await jobs.cancel(caller.tenant, job_id))


@router.post("/jobs/{job_id}/retry", status_code=202)
async def retry_job(
    job_id: str,
    caller: JobCaller,
    jobs: Jobs,
    response: Response,
    trace: Trace,
    until_preferred: AsPreferred,
    idempotency_key: IdempotencyHeader,
) -> dict[str, Any]:
    """Make a new job of one that failed, was cancelled or expired."""
    retried = await jobs.retry(caller.tenant, job_id, key=idempotency_key, trace=trace)
    job = await until_preferred(retried.job)
    return await _accepted(jobs, retried, job, response)


@router.delete("/jobs/{job_id}", status_code=204)
async def delete_job(job_id: str, caller: JobCaller, jobs: Jobs) -> None:
    """Delete one ended job, with its objects and its events."""
    await jobs.delete(caller.tenant, job_id)


async def _accepted(
    jobs: JobUseCases, submitted: Submitted, job: Job, response: Response
) -> dict[str, Any]:
    """Show the job as it is by now: 202 before its end, unless it was accepted earlier."""
    response.status_code = 200 if submitted.replayed or job.is_final else 202
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    if job is submitted.job and submitted.ahead is not None:
        return jobs.view.fresh(job, submitted.ahead)
    return await jobs.view(job)
