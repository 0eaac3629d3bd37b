"""A gateway and an object store of a worker's dreams, and of its nightmares, over HTTP.

Both record what they hear. What is to go wrong is set beforehand: `statuses` holds, by call,
the answers to give in the place of the next true ones, which are made all the same: so a 503
is an answer that was lost on the way.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from shared.work import MANIFEST, REPORT, Claim, Final, OutputsRequest

PATIENCE_S = 30


@dataclass
class FakeGateway:
    """One job's gateway; `base_url` is set once it listens."""

    base_url: str = ""
    order: dict[str, Any] = field(default_factory=dict)
    statuses: dict[str, deque[int]] = field(default_factory=dict)
    cancelled: bool = False
    superseded: bool = False
    deadline_at: datetime | None = None
    clock_off_s: float = 0.0
    claims: list[Claim] = field(default_factory=list)
    claim_answers: list[int] = field(default_factory=list)
    asked: list[OutputsRequest] = field(default_factory=list)
    reports: list[Any] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    hints: list[dict[str, Any]] = field(default_factory=list)
    _heard: asyncio.Condition = field(default_factory=asyncio.Condition)

    def app(self) -> Starlette:
        """The three routes of the worker protocol."""
        return Starlette(
            routes=[
                Route("/v1/work/{job}/claim", self._claim, methods=["POST"]),
                Route("/v1/work/{job}/outputs", self._outputs, methods=["POST"]),
                Route("/v1/work/{job}/reports", self._reports, methods=["POST"]),
            ]
        )

    def submission(self, job_id: str = "job-1") -> dict[str, Any]:
        """The input of RunPod's event."""
        return {
            "v": 1,
            "job_id": job_id,
            "submission": "sub-1",
            "claim_url": f"{self.base_url}/v1/work/{job_id}/claim",
            "token": "submission-token",
        }

    def event(self, job_id: str = "job-1") -> dict[str, Any]:
        """What the SDK hands the handler."""
        return {"id": "runpod-1", "input": self.submission(job_id)}

    # --- what was heard

    def said(self, kind: str) -> list[Any]:
        """The reports of one type, each number once, in the order of arrival."""
        found = {r.report_no: r for r in self.reports if r.type == kind}
        return list(found.values())

    @property
    def final(self) -> Final:
        """The last word: the one there is."""
        (final,) = self.said("final")
        return final

    async def until(self, true: Callable[["FakeGateway"], bool]) -> None:
        """Wait until a call has made it so."""
        async with asyncio.timeout(PATIENCE_S), self._heard:
            await self._heard.wait_for(lambda: true(self))

    async def until_working(self) -> None:
        """Wait until a child has said that it works."""
        await self.until(lambda g: any(r.stage == "work" for r in g.said("progress")))

    # --- the routes

    async def _claim(self, request: Request) -> Response:
        _must_bear(request, "submission-token")
        claim = Claim.model_validate_json(await request.body())
        first = not self.claims or claim.nonce == self.claims[0].nonce
        self.claims.append(claim)
        good = first and not self.superseded
        answer = self._work_order() if good else JSONResponse({"stop": True}, 409)
        return await self._answer("claim", answer)

    def _work_order(self) -> Response:
        now = datetime.now(UTC) + timedelta(seconds=self.clock_off_s)
        order = {
            "fence": 3,
            "token": "attempt-token",
            "kind": "sample.conduct",
            "kind_version": 1,
            "input": {},
            "deadline_at": (self.deadline_at or now + timedelta(minutes=5)).isoformat(),
            "heartbeat_s": 0.05,
            "report_every_s": 0.02,
            "added_later": "an older worker does not know this",
        }
        return JSONResponse({**order, **self.order}, headers=self._date())

    async def _outputs(self, request: Request) -> Response:
        _must_bear(request, "attempt-token")
        asked = OutputsRequest.model_validate_json(await request.body())
        self.asked.append(asked)
        puts = [
            {
                "name": item.name,
                "key": f"out/3/{item.name}",
                "url": f"{self.base_url}/store/out/3/{item.name}?X-Amz-Signature=s",
                "headers": {
                    "content-type": item.content_type,
                    "content-length": str(item.size_bytes),
                    "x-sha256": item.sha256,
                },
            }
            for item in asked.items
        ]
        return await self._answer("outputs", self._or_stop({"puts": puts}))

    async def _reports(self, request: Request) -> Response:
        _must_bear(request, "attempt-token")
        report = REPORT.validate_json(await request.body())
        self.reports.append(report)
        body: dict[str, Any] = {"cancel": self.cancelled, "hints": self.hints}
        if self.deadline_at is not None:
            body["deadline_at"] = self.deadline_at.isoformat()
        return await self._answer(report.type, self._or_stop(body))

    def _or_stop(self, body: dict[str, Any]) -> Response:
        if self.superseded:
            return JSONResponse({"stop": True}, 409, headers=self._date())
        return JSONResponse(body, headers=self._date())

    def _date(self) -> dict[str, str]:
        now = datetime.now(UTC) + timedelta(seconds=self.clock_off_s)
        return {"date": now.strftime("%a, %d %b %Y %H:%M:%S GMT")}

    async def _answer(self, call: str, answer: Response) -> Response:
        instead = self.statuses.get(call)
        status = instead.popleft() if instead else answer.status_code
        self.calls.append(call)
        if call == "claim":
            self.claim_answers.append(status)
        async with self._heard:
            self._heard.notify_all()
        return answer if status == answer.status_code else Response(status_code=status)


@dataclass
class FakeStore:
    """Objects by key. `faults` holds, by key, what to do wrong to the next requests."""

    objects: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, deque[str]] = field(default_factory=dict)
    gets: list[str] = field(default_factory=list)
    puts: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def app(self) -> Starlette:
        """GET and PUT of one object."""
        return Starlette(routes=[Route("/{key:path}", self._serve, methods=["GET", "PUT"])])

    def etag(self, key: str) -> str:
        """The ETag of an object, quoted as stores do."""
        return f'"{hashlib.md5(self.objects[key]).hexdigest()}"'  # noqa: S324 - as S3 does

    def file(self, name: str, key: str, base_url: str, **other: Any) -> dict[str, Any]:
        """A work order's entry for an object that is here."""
        return {
            "name": name,
            "url": f"{base_url}/store/{key}?X-Amz-Signature=s",
            "size_bytes": len(self.objects[key]),
            "etag": self.etag(key),
            "content_type": "video/mp4",
            **other,
        }

    @property
    def manifest(self) -> Final:
        """The manifest that was put."""
        (found,) = [v for k, v in self.objects.items() if k.endswith(f"/{MANIFEST}")]
        return Final.model_validate_json(found)

    async def _serve(self, request: Request) -> Response:
        key = request.path_params["key"]
        pending = self.faults.get(key)
        fault = pending.popleft() if pending else ""
        if request.method == "PUT":
            return await self._put(key, request, fault)
        self.gets.append(key)
        if fault.isdigit() or key not in self.objects:
            return Response(status_code=int(fault or 404))
        return self._get(key, fault)

    def _get(self, key: str, fault: str) -> Response:
        body, etag = self.objects[key], self.etag(key)
        match fault:
            case "truncated":
                return _Cut(body, headers={"etag": etag, "content-length": str(len(body))})
            case "longer":
                body += b"more"
            case "unannounced_short":
                return StreamingResponse(iter([body[:-1]]), headers={"etag": etag})
            case "unannounced_long":
                return StreamingResponse(iter([body, b"more"]), headers={"etag": etag})
            case "other":
                etag = '"another"'
        return Response(body, headers={"etag": etag})

    async def _put(self, key: str, request: Request, fault: str) -> Response:
        body = await request.body()
        self.puts.append((key, dict(request.headers)))
        if fault:
            return Response(status_code=int(fault))
        whole = hashlib.sha256(body).hexdigest() == request.headers["x-sha256"]
        if not whole or int(request.headers["content-length"]) != len(body):
            return Response(status_code=400)
        self.objects[key] = body
        return Response(status_code=200)


class _Cut(Response):
    """Sends half of what it announced, and ends."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        raise ConnectionAbortedError("half is all there is")


def _must_bear(request: Request, token: str) -> None:
    if request.headers.get("authorization") != f"Bearer {token}":
        raise AssertionError("a call without its token")
