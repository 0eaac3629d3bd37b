"""Workers of watched jobs, all in this process: each job gets one event a second.

`python -m bench.reporting`, by lines of JSON: it says where its RunPod is, is told which
gateway to submit to, says the jobs once all are claimed, and goes on reporting: to another
gateway when told of one.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bench.http_calls import Answer, Connection, bearer, request_bytes
from bench.measured_kind import WATCHED
from bench.runpod_stub import Delivery, runpod_stub
from infra.local.stack.serving import serving

CONNECTIONS = 8
GROUPS = 20  # the reports of a second are spread over it in so many groups


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A job that is ours to report on."""

    job_id: str
    token: str
    fence: int


class _Gateway:
    """A few connections to a gateway, each used by one request at a time."""

    def __init__(self, connections: list[Connection]) -> None:
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        for connection in connections:
            self._free.put_nowait(connection)

    async def ask(self, path: str, token: str, body: object) -> Answer:
        """POST something."""
        connection = await self._free.get()
        try:
            return await connection.ask(request_bytes("POST", path, bearer(token), body))
        finally:
            self._free.put_nowait(connection)


@asynccontextmanager
async def _connected(base_url: str) -> AsyncIterator[_Gateway]:
    connections = [await Connection.to(base_url) for _ in range(CONNECTIONS)]
    try:
        yield _Gateway(connections)
    finally:
        for connection in connections:
            connection.close()


async def main() -> None:
    """Play all workers until standard input is closed."""
    deliveries: asyncio.Queue[Delivery] = asyncio.Queue()
    async with serving(runpod_stub(deliveries)) as runpod_url:
        _say({"runpod_url": runpod_url})
        asked = await _told()
        async with _connected(asked["submit_to"]) as gateway:
            attempts = await _claimed(gateway, deliveries, asked["api_key"], asked["jobs"])
            _say({"job_ids": [each.job_id for each in attempts]})
            first, switch = await _report_until_told(gateway, attempts, 1)
        if switch:
            async with _connected(switch["report_to"]) as gateway:
                await _report_until_told(gateway, attempts, first)


async def _claimed(
    gateway: _Gateway, deliveries: "asyncio.Queue[Delivery]", api_key: str, jobs: int
) -> list[_Attempt]:
    order = {"kind": WATCHED.name, "input": {"text": "watched"}}
    for _ in range(jobs):
        (await gateway.ask("/v1/jobs", api_key, order)).json(expected=202)
    worker = {"id": "bench", "cores": 1, "memory_mb": 1024, "version": "bench"}
    attempts = []
    for _ in range(jobs):
        delivery = await deliveries.get()
        given, runpod_id = delivery["input"], delivery["id"]
        claim = {"nonce": f"nonce-{runpod_id}", "runpod_job_id": runpod_id, "worker": worker}
        path = urlsplit(given["claim_url"]).path
        work = (await gateway.ask(path, given["token"], claim)).json(expected=200)
        attempts.append(_Attempt(given["job_id"], work["token"], work["fence"]))
    return attempts


async def _report_until_told(
    gateway: _Gateway, attempts: list[_Attempt], first: int
) -> tuple[int, dict[str, Any]]:
    """Report each second; return the next number and what was told, empty at the end."""
    told = asyncio.create_task(_told())
    loop = asyncio.get_running_loop()
    begun_at = loop.time()
    for number, stage in enumerate(WATCHED.stages[first:], start=first):
        for group in range(GROUPS):
            due_at = begun_at + number - first + group / GROUPS
            await asyncio.sleep(max(0.0, due_at - loop.time()))
            await asyncio.gather(
                *(_report(gateway, a, number, stage) for a in attempts[group::GROUPS])
            )
        if told.done():
            return number + 1, told.result()
    raise RuntimeError("the kind has no more stages to report")


async def _report(gateway: _Gateway, attempt: _Attempt, number: int, stage: str) -> None:
    report = {
        "type": "progress",
        "fence": attempt.fence,
        "report_no": number,
        "stage": stage,
        "progress": number / 1000,
    }
    answer = await gateway.ask(f"/v1/work/{attempt.job_id}/reports", attempt.token, report)
    answer.json(expected=200)


async def _told() -> dict[str, Any]:
    line = await asyncio.to_thread(sys.stdin.readline)
    told: dict[str, Any] = json.loads(line) if line else {}
    return told


def _say(message: object) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
