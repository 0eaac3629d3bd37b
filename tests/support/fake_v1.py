"""A small `/v1` with a bucket beside it, that a test tells how to misbehave."""

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

API_KEY = "ck_aaaa_" + "b" * 52
AT = "2026-11-01T10:00:00.000000Z"


class Cut(Exception):
    """Raised into a response: the connection ends in the middle of it."""


def snapshot(seq: int, status: str = "running", **more: Any) -> dict[str, Any]:
    """Return a job as events carry it."""
    return {
        "id": "job-1",
        "kind": "export.framing",
        "status": status,
        "stage": "render",
        "progress": seq / 10,
        "seq": seq,
        "outputs": [],
        "created_at": AT,
        "unknown_to_this_client": True,
    } | more


def log(*types: str) -> list[dict[str, Any]]:
    """Return a job's log with these types of event."""
    final = ("succeeded", "failed", "cancelled", "expired")
    return [
        {
            "seq": seq,
            "type": each,
            "at": AT,
            "job": snapshot(seq, each if each in final else "running"),
        }
        for seq, each in enumerate(types)
    ]


def problem(status: int, code: str, **headers: str) -> Response:
    """Return a refusal as the gateway writes one."""
    body = {
        "code": code,
        "detail": f"It is {code}.",
        "request_id": "request-1",
        "errors": [{"field": "input.ratio.0", "message": "is too large"}],
    }
    return JSONResponse(body, status, headers, "application/problem+json")


@dataclass
class FakeV1:
    """What it answers, and what it was asked.

    `cuts`: after how many events each stream in turn breaks off. `answers`: what the next
    requests of a path get instead of the truth; a `Cut` among them is an answer lost.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    streams: bool = True
    comment_first: bool = False
    answers: dict[str, list[Response | Cut]] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    job: dict[str, Any] = field(default_factory=lambda: snapshot(0))

    def requests(self, path: str) -> list[dict[str, str]]:
        """Return the headers of each request of a path."""
        return [headers for _, at, headers, _ in self.asked if at == path]

    def app(self) -> Starlette:
        """Return it as an ASGI app."""
        routes = [
            ("/v1/jobs/{job_id}/events", "GET", self._read_events),
            ("/v1/jobs/{job_id}/cancel", "POST", self._read_job),
            ("/v1/jobs/{job_id}/retry", "POST", self._submit),
            ("/v1/jobs/{job_id}", "GET", self._read_job),
            ("/v1/jobs/{job_id}", "DELETE", self._nothing),
            ("/v1/assets/{asset_id}", "DELETE", self._nothing),
            ("/v1/uploads/{upload_id}", "DELETE", self._nothing),
            ("/v1/jobs", "POST", self._submit),
            ("/v1/uploads", "POST", self._promise),
            ("/v1/uploads/{upload_id}/complete", "POST", self._complete),
            ("/bucket/{key}", "PUT", self._put),
            ("/bucket/{key}", "GET", self._get),
        ]
        return Starlette(
            routes=[
                Route(path, self._told(view), methods=[verb]) for path, verb, view in routes
            ]
        )

    def _told(self, view: Any) -> Any:
        async def told(request: Request) -> Response:
            path = request.url.path
            body = b"" if path.startswith("/bucket") else await request.body()
            self.asked.append((request.method, path, dict(request.headers), body))
            planned = self.answers.get(path)
            if not planned:
                return await view(request)
            answer = planned.pop(0)
            if isinstance(answer, Cut):
                await view(request)
                return StreamingResponse(_broken())
            return answer

        return told

    async def _read_events(self, request: Request) -> Response:
        after = int(
            request.headers.get("last-event-id", request.query_params.get("after", "-1"))
        )
        left = [each for each in self.events if each["seq"] > after]
        if "text/event-stream" in request.headers.get("accept", "") and self.streams:
            if not left:
                return Response(status_code=204)
            return StreamingResponse(self._lines(left), media_type="text/event-stream")
        return JSONResponse({"events": left, "next_after": after + len(left)})

    async def _lines(self, events: list[dict[str, Any]]) -> Any:
        cut = self.cuts.pop(0) if self.cuts else None
        for event in events[:cut]:
            head = f"id: {event['seq']}\nevent: {event['type']}\n"
            yield f"{head}data: {json.dumps(event)}\n\n"
            yield ": still here\n\n"
        if cut is not None:
            await asyncio.sleep(0)
            raise Cut

    async def _read_job(self, request: Request) -> Response:
        return JSONResponse(self.job)

    async def _nothing(self, request: Request) -> Response:
        return Response(status_code=204)

    async def _submit(self, request: Request) -> Response:
        return JSONResponse(self.job, 202)

    async def _promise(self, request: Request) -> Response:
        asked = json.loads(self.asked[-1][3])
        return JSONResponse(
            {
                "upload_id": "up-1",
                "method": "PUT",
                "size_bytes": asked["size_bytes"],
                "url": f"{request.base_url}bucket/up-1?X-Amz-Signature=secret",
                "headers": {
                    "content-type": asked["content_type"],
                    "content-length": str(asked["size_bytes"]),
                    "if-none-match": "*",
                },
            },
            201,
        )

    async def _complete(self, request: Request) -> Response:
        if "up-1" not in self.objects:
            return problem(409, "object_missing")
        stored = self.objects["up-1"]
        return JSONResponse(
            {
                "asset_id": "asset-1",
                "filename": "clip.mp4",
                "content_type": "video/mp4",
                "size_bytes": len(stored),
                "sha256": hashlib.sha256(stored).hexdigest(),
            }
        )

    async def _put(self, request: Request) -> Response:
        self.objects[request.path_params["key"]] = await request.body()
        return Response(status_code=200)

    async def _get(self, request: Request) -> Response:
        return Response(self.objects[request.path_params["key"]])


async def _broken() -> Any:
    yield b"{"
    await asyncio.sleep(0)
    raise Cut
