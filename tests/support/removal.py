"""Jobs that end and are deleted, over HTTP, and what is left of them."""

from typing import Any

import httpx

from tests.support.world import LIMIT_S, Worker, World

# The attempt's longest time, its URLs' margin, the sweep's margin.
LAST_URL_S = LIMIT_S + 60 + 60


async def finished(world: World, **fields: Any) -> tuple[str, Worker]:
    """Let a worker do a job."""
    job_id, worker = await world.dispatched(**fields)
    await worker.claim()
    await worker.finish()
    return job_id, worker


async def delete(http: httpx.AsyncClient, job_id: str, status: int = 204) -> httpx.Response:
    """Delete the job, or be refused as expected."""
    answer = await http.delete(f"/v1/jobs/{job_id}")
    assert answer.status_code == status
    return answer


async def let_it_settle(world: World) -> None:
    """Let all URLs die, and what waits for other effects come after them."""
    for seconds in (LAST_URL_S + 1, 60, 60):
        world.clock.move(seconds)
        await world.gateway.perform()


async def objects_of(world: World, job_id: str) -> list[str]:
    """What the bucket holds of the job."""
    return await world.objects.list_keys(f"output/{job_id}/", None, 100)
