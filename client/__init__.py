"""Python client of cutroom: HTTP only, no program behind it."""

from client.cutroom import Cutroom
from client.errors import ApiProblem, ClientError, Field, TransferFailed, Unreachable
from client.models import Asset, Cost, Estimate, Event, Job, JobError, Kind, Output

__all__ = [
    "ApiProblem",
    "Asset",
    "ClientError",
    "Cost",
    "Cutroom",
    "Estimate",
    "Event",
    "Field",
    "Job",
    "JobError",
    "Kind",
    "Output",
    "TransferFailed",
    "Unreachable",
]
