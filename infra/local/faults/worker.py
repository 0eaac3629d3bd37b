"""The worker of `gpu_worker/handler.py`, which dies when told.

    python -m infra.local.faults.worker PACKAGE

`PACKAGE` has the code of the kinds it does: `gpu_worker.kinds`, or the drill's own.

Everything it does to the world goes through its HTTP client, and so its failpoints are there:
`claim`, `fetch`, `outputs`, `put[video]`, `put[manifest]`, `report`, `report[final]`; `put`
has a middle too.
"""

import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import httpx
from typing_extensions import override

from gpu_worker import handler
from infra.local.faults.drill import KIND
from infra.local.faults.failpoints import Failpoints, folder_of
from shared.kinds import load_kinds

JOURNAL_VARIABLE = "FAULTS_JOURNAL"
DRILL_KINDS, REAL_KINDS = "infra.local.faults.kinds", "gpu_worker.kinds"


class WatchedTransport(httpx.AsyncHTTPTransport):
    """Requests as they go out and answers as they come in; claims are written down."""

    def __init__(self, points: Failpoints, journal: Path) -> None:
        super().__init__(trust_env=False)
        self._points = points
        self._journal = journal

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        point, labels = place_of(request)
        await self._points.passed(point, labels, "before")
        if point == "put":
            request.stream = _Halved(request.stream, self._points, labels)
        if point == "claim":
            self._note(request)
        answer = await super().handle_async_request(request)
        await answer.aread() if point != "fetch" else None
        await self._points.passed(point, labels, "after")
        return answer

    def _note(self, request: httpx.Request) -> None:
        """Write down under which nonce a job was asked for, before anybody can know."""
        job_id = request.url.path.split("/")[-2]
        nonce = json.loads(request.content)["nonce"]
        with self._journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"job_id": job_id, "nonce": nonce}) + "\n")


class _Halved(httpx.AsyncByteStream):
    """A body with a point in the middle of its first block."""

    def __init__(
        self,
        stream: httpx.SyncByteStream | httpx.AsyncByteStream,
        points: Failpoints,
        labels: list[str],
    ) -> None:
        self._stream = cast(httpx.AsyncByteStream, stream)
        self._points = points
        self._labels = labels

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for block in self._stream:
            yield block[: len(block) // 2]
            await self._points.passed("put", self._labels, "middle")
            yield block[len(block) // 2 :]


def place_of(request: httpx.Request) -> tuple[str, list[str]]:
    """Return the point a request is at, and what it is about."""
    if request.method == "GET":
        return "fetch", []
    name = request.url.path.rpartition("/")[2]
    if request.method == "PUT":
        return "put", [name.partition(".")[0]]
    if name == "reports":
        return "report", [json.loads(request.content)["type"]]
    return name, []


def main(package: str) -> None:
    """Serve until RunPod stops us."""
    points = Failpoints(folder_of(os.environ))
    journal = Path(os.environ[JOURNAL_VARIABLE])

    def new_client() -> httpx.AsyncClient:
        transport = WatchedTransport(points, journal)
        return httpx.AsyncClient(transport=transport, timeout=10, trust_env=False)

    kinds = load_kinds() if package == REAL_KINDS else {KIND.name: KIND}
    handler.main(handler.Kit(kinds, package, new_client))


if __name__ == "__main__":
    main(sys.argv[1])
