"""What work is on offer: `GET /v1/kinds`."""

from typing import Any

from fastapi import APIRouter

from gateway.api.auth import Reader
from gateway.api.use_cases import Jobs

router = APIRouter(prefix="/v1", tags=["kinds"])


@router.get("/kinds")
async def list_kinds(_: Reader, jobs: Jobs) -> dict[str, Any]:
    """List every kind with the schemas of its input and output."""
    return {
        "kinds": [
            {
                "name": kind.name,
                "version": kind.version,
                "description": kind.description,
                "compute": kind.compute,
                "stages": list(kind.stages),
                "input_schema": kind.input.model_json_schema(),
                "output_schema": kind.output.model_json_schema(mode="serialization"),
                "limits": dict(kind.limits),
                "price": {"basis": kind.price.basis},
            }
            for kind in jobs.kinds.values()
        ]
    }
