"""What work is on offer: `GET /v1/kinds`."""

from functools import cache
from typing import Any, Literal

from fastapi import APIRouter

from gateway.api.auth import Reader
from gateway.api.use_cases import Jobs
from shared.job_kind import JobKind, Wire

router = APIRouter(prefix="/v1", tags=["kinds"])


@router.get("/kinds")
async def list_kinds(_: Reader, jobs: Jobs) -> dict[str, Any]:
    """List every kind with the schemas of its input and output."""
    return {"kinds": [_shown(kind) for kind in jobs.kinds.values()]}


def _shown(kind: JobKind[Any, Any]) -> dict[str, Any]:
    takes: type[Wire] = kind.input
    gives: type[Wire] = kind.output
    return {
        "name": kind.name,
        "version": kind.version,
        "description": kind.description,
        "compute": kind.compute,
        "stages": list(kind.stages),
        "input_schema": _schema(takes, "validation"),
        "output_schema": _schema(gives, "serialization"),
        "limits": dict(kind.limits),
        "price": {"basis": kind.price.basis},
    }


@cache
def _schema(model: type[Wire], mode: Literal["validation", "serialization"]) -> Any:
    """Return the model's schema, which takes milliseconds and never changes."""
    return model.model_json_schema(mode=mode)
