"""The status poll: what a cold start answers more often than anything else.

It takes its parameters from the request and renders its answer by itself, and so can be served
without FastAPI, whose import is most of that of a whole gateway's libraries.
"""

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse

from gateway.api.credentials import watcher_tenant
from gateway.api.job_reading import job_reading, owned_job
from gateway.api.prefer import UntilPreferred

PATH = "/v1/jobs/{job_id}"


async def read_job(request: Request) -> JSONResponse:
    """Read one job, at its end if asked to wait; output URLs are signed now and expire."""
    job_id: str = request.path_params["job_id"]
    reading, said = job_reading(request), MutableHeaders()
    until_preferred = UntilPreferred(reading.wait_for_end, request, said)
    tenant = await watcher_tenant(job_id, request)
    job = await until_preferred(await owned_job(reading.store, tenant, job_id))
    return JSONResponse(await reading.view(job), headers=said)
