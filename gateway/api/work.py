"""The routes workers call: claim, outputs, reports."""

from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse

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

router = APIRouter(prefix="/v1/work", tags=["work"])

Authorization = Annotated[str, Header(max_length=512)]


def stop_answer() -> JSONResponse:
    """409: this worker has no say in the job and touches nothing more."""
    return JSONResponse(Stop().model_dump(mode="json"), 409)


def bearer(authorization: str) -> str:
    """Return the token of a Bearer header; raise `Unauthenticated` for any other."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("no bearer token", public="A Bearer token is needed.")
    return token.strip()


@router.post("/{job_id}/claim", response_model=None)
async def claim(
    job_id: str, claimed: Claim, jobs: Jobs, authorization: Authorization = ""
) -> WorkOrder | JSONResponse:
    """Give the work order, which makes the attempt."""
    try:
        return await jobs.claim(job_id, bearer(authorization), claimed)
    except ToldToStop:
        return stop_answer()


@router.post("/{job_id}/outputs", response_model=None)
async def outputs(
    job_id: str, asked: OutputsRequest, jobs: Jobs, authorization: Authorization = ""
) -> Puts | JSONResponse:
    """Sign a PUT for each output."""
    try:
        return await jobs.grant_outputs(job_id, bearer(authorization), asked)
    except ToldToStop:
        return stop_answer()


@router.post("/{job_id}/reports", response_model=None)
async def reports(
    job_id: str, report: AnyReport, jobs: Jobs, authorization: Authorization = ""
) -> ReportAnswer | JSONResponse:
    """Hear one report."""
    try:
        return await jobs.record_report(job_id, bearer(authorization), report)
    except ToldToStop:
        return stop_answer()
