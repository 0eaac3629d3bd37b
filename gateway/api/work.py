"""The routes workers call: claim, outputs, reports."""

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from pydantic import RootModel

from gateway.api.use_cases import Jobs
from gateway.services.claim_job import ToldToStop
from shared.errors import Unauthenticated
from shared.work import (
    AnyReport,
    Claim,
    OutputsRequest,
    Puts,
    ReportAnswer,
    Stop,
    WorkOrder,
)

log = logging.getLogger(__name__)

LONGEST_TOKEN = 512

router = APIRouter(prefix="/v1/work", tags=["work"])


def install(app: FastAPI) -> None:
    """Answer 409 `{stop: true}` where a worker has no say in a job."""

    async def on_stop(_: Request, error: Exception) -> JSONResponse:
        log.info("worker.told_to_stop", extra={"why": str(error)})
        return JSONResponse(Stop().model_dump(mode="json"), 409)

    app.add_exception_handler(ToldToStop, on_stop)


async def _bearer(authorization: Annotated[str, Header()] = "") -> str:
    """Return the token of a Bearer header; raise `Unauthenticated` for any other."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token.strip()) <= LONGEST_TOKEN:
        raise Unauthenticated("no bearer token", public="A Bearer token is needed.")
    return token.strip()


# A dependency, so that a stranger is turned away before its body is read as anything.
Token = Annotated[str, Depends(_bearer)]


class Report(RootModel[AnyReport]):
    """What a worker says of its attempt."""


@router.post("/{job_id}/claim")
async def claim(job_id: str, claimed: Claim, jobs: Jobs, token: Token) -> WorkOrder:
    """Give the work order, which makes the attempt."""
    return await jobs.claim(job_id, token, claimed)


@router.post("/{job_id}/outputs")
async def outputs(job_id: str, asked: OutputsRequest, jobs: Jobs, token: Token) -> Puts:
    """Sign a PUT for each output."""
    return await jobs.grant_outputs(job_id, token, asked)


@router.post("/{job_id}/reports")
async def reports(job_id: str, report: Report, jobs: Jobs, token: Token) -> ReportAnswer:
    """Hear one report."""
    return await jobs.record_report(job_id, token, report.root)
