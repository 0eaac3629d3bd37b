"""Is the process alive, and can it serve?"""

from typing import Any

from fastapi import APIRouter, Request, Response

from gateway.services.readiness import Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """Answer as long as the process does; asks nothing of anything else."""
    return {"status": "ok"}


@router.get("/readyz")
async def ready(request: Request, response: Response) -> dict[str, Any]:
    """Say which of the things we stand on answer, and nothing else about them."""
    readiness: Readiness = request.app.state.readiness
    passed = await readiness()
    all_pass = all(passed.values())
    response.status_code = 200 if all_pass else 503
    checks = {name: "ok" if good else "fail" for name, good in passed.items()}
    return {"status": "ready" if all_pass else "unready", "checks": checks}
