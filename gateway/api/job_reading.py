"""What reading a job takes, as bootstrap left it on the application."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from gateway.core.job import Job, no_such_job
from gateway.ports.job_store import JobStore
from gateway.services.view_job import ViewJob
from gateway.services.wait_for_end import WaitForEnd


@dataclass(frozen=True, slots=True)
class JobReading:
    """All that a status poll calls."""

    store: JobStore
    view: ViewJob
    wait_for_end: WaitForEnd


def job_reading(connection: HTTPConnection) -> JobReading:
    """Return what bootstrap built."""
    found: JobReading = connection.app.state.job_reading
    return found


async def owned_job(store: JobStore, tenant: str, job_id: str) -> Job:
    """Return the tenant's job; another's answers like one that is not there."""
    job = await store.get(job_id, tenant=tenant)
    if job is None:
        raise no_such_job(f"no job {job_id} of {tenant}")
    return job
