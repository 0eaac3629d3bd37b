"""Submits jobs as fast as they are taken, from a process of its own.

`python -m bench.load PLAN`, the plan as JSON. It prints what it saw as JSON.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from itertools import repeat
from statistics import median

from bench.http_calls import Connection, bearer, request_bytes
from bench.measured_kind import SUBMITTED


@dataclass(frozen=True, slots=True)
class Plan:
    """How many requests, how many at once, to whom."""

    base_url: str
    api_key: str
    requests: int
    at_once: int


@dataclass(frozen=True, slots=True)
class Seen:
    """How long all of it took, and a request in the middle of them."""

    elapsed_s: float
    p50_ms: float


async def submit(plan: Plan) -> Seen:
    """Submit over so many connections. Raises `RuntimeError` unless every one is taken."""
    asked = {"kind": SUBMITTED.name, "input": {"text": "a clip of the sea", "count": 3}}
    request = request_bytes("POST", "/v1/jobs", bearer(plan.api_key), asked)
    connections = [await Connection.to(plan.base_url) for _ in range(plan.at_once)]
    took_s: list[float] = []
    left = repeat(None, plan.requests)

    async def client(connection: Connection) -> None:
        for _ in left:
            begun_at = time.perf_counter()
            (await connection.ask(request)).json(expected=202)
            took_s.append(time.perf_counter() - begun_at)

    begun_at = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(client(connection))
    elapsed_s = time.perf_counter() - begun_at
    for connection in connections:
        connection.close()
    return Seen(elapsed_s, median(took_s) * 1000)


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(submit(Plan(**json.loads(sys.argv[1])))))))
