"""The use cases that bootstrap left on the application, for the routes to call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from gateway.ports.job_store import JobStore
from gateway.services.cancel_job import CancelJob
from gateway.services.claim_job import ClaimJob
from gateway.services.delete_job import DeleteJob
from gateway.services.estimate_job import EstimateJob
from gateway.services.feeds import Feeds
from gateway.services.grant_outputs import GrantOutputs
from gateway.services.job_request import ReadRequest
from gateway.services.list_jobs import ListJobs
from gateway.services.read_events import ReadEvents
from gateway.services.record_report import RecordReport
from gateway.services.retry_job import RetryJob
from gateway.services.seats import Seats
from gateway.services.submit_job import SubmitJob
from gateway.services.view_job import ViewJob
from gateway.services.wait_for_end import WaitForEnd
from shared.job_kind import JobKind


@dataclass(frozen=True, slots=True)
class JobUseCases:
    """What the routes of jobs, events and workers call."""

    kinds: Mapping[str, JobKind[Any, Any]]
    store: JobStore
    read_request: ReadRequest
    estimate: EstimateJob
    submit: SubmitJob
    retry: RetryJob
    list: ListJobs
    delete: DeleteJob
    cancel: CancelJob
    view: ViewJob
    read_events: ReadEvents
    wait_for_end: WaitForEnd
    feeds: Feeds
    seats: Seats
    claim: ClaimJob
    grant_outputs: GrantOutputs
    record_report: RecordReport
    wait_s_max: float
    slow_watcher_s: float


def job_use_cases(connection: HTTPConnection) -> JobUseCases:
    """Return what bootstrap built; for HTTP and WebSocket alike."""
    found: JobUseCases = connection.app.state.job_use_cases
    return found


async def _job_use_cases(connection: HTTPConnection) -> JobUseCases:
    return job_use_cases(connection)


Jobs = Annotated[JobUseCases, Depends(_job_use_cases)]
