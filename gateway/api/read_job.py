"""The status poll: what a cold start answers more often than anything else.

It takes its parameters from the request and renders its answer by itself: for the first one
that it is to check, FastAPI imports `pydantic.v1`, a tenth of a cold start.
"""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders

from gateway.api.auth import watcher_tenant
from gateway.api.job_reading import job_reading, owned_job
from gateway.api.prefer import UntilPreferred

router = APIRouter(prefix="/v1", tags=["jobs"])


@router.get("/jobs/{job_id}")  # noqa: FAST003 - see above
async def read_job(request: Request) -> JSONResponse:
    """Read one job, at its end if asked to wait; output URLs are signed now and expire."""
    job_id: str = request.path_params["job_id"]
    reading, said = job_reading(request), MutableHeaders()
    until_preferred = UntilPreferred(reading.wait_for_end, request, said)
    tenant = await watcher_tenant(job_id, request)
    job = await until_preferred(await owned_job(reading.store, tenant, job_id))
    return JSONResponse(await reading.view(job), headers=said)
