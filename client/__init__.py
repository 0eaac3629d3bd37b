"""Python client of cutroom: HTTP only, no program behind it."""

from client.cutroom import Cutroom
from client.errors import (
    ApiProblem,
    Busy,
    ClientError,
    Conflict,
    Denied,
    Field,
    Invalid,
    NotFound,
    TransferFailed,
    Unreachable,
)
from client.models import (
    Asset,
    Cost,
    DryRun,
    Estimate,
    Event,
    Job,
    JobError,
    Kind,
    Output,
    Ticket,
)

__all__ = [
    "ApiProblem",
    "Asset",
    "Busy",
    "ClientError",
    "Conflict",
    "Cost",
    "Cutroom",
    "Denied",
    "DryRun",
    "Estimate",
    "Event",
    "Field",
    "Invalid",
    "Job",
    "JobError",
    "Kind",
    "NotFound",
    "Output",
    "Ticket",
    "TransferFailed",
    "Unreachable",
]
