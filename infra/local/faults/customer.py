"""A customer who is not put off: asks again, under the same key, until there is an answer."""

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import Any

import httpx

from infra.local.faults.drill import KIND, copied
from infra.local.faults.stage import NotSurvived, Stage

PATIENCE_S = 240.0
PAUSE_S, POLL_S = 0.1, 0.05
FINAL = frozenset({"succeeded", "failed", "cancelled", "expired"})
VIDEO = b"\0\0\0\x18ftypisom\0\0\2\0isommp42" + bytes(range(256)) * 400
PART_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Order:
    """A job that was accepted, and what to say to ask for it once more."""

    job_id: str
    key: str
    body: dict[str, Any]


class Customer:
    """Speaks to a stage's gateway as a browser and an app do."""

    def __init__(
        self, stage: Stage, http: httpx.AsyncClient, api_key: str | None = None
    ) -> None:
        """`api_key`: of another tenant than the stack's own."""
        self.stage = stage
        self._http = http
        self._api_key = api_key or stage.stack.api_key
        self._asset_id: str | None = None

    def of_tenant(self, api_key: str) -> "Customer":
        """Return another tenant's customer on the same stage."""
        return Customer(self.stage, self._http, api_key)

    async def call(self, method: str, path: str, **asked: Any) -> httpx.Response:
        """Return the first answer that is one: no 5xx, and nobody dying before it."""
        headers = {"Authorization": f"Bearer {self._api_key}"}
        url = f"{self.stage.stack.base_url}{path}"
        return await self._persist(method, url, headers | asked.pop("headers", {}), **asked)

    async def _persist(
        self, method: str, url: str, headers: dict[str, str], **asked: Any
    ) -> httpx.Response:
        give_up_at, why = time.monotonic() + PATIENCE_S, "nothing"
        while time.monotonic() < give_up_at:
            try:
                answer = await self._http.request(method, url, headers=headers, **asked)
            except httpx.TransportError as error:
                why = type(error).__name__
            else:
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    return answer
                why = f"{answer.status_code}"
            await asyncio.sleep(PAUSE_S)
        raise NotSurvived(f"{method} was not answered for {PATIENCE_S:.0f} s: {why}")

    async def said(self, method: str, path: str, *statuses: int, **asked: Any) -> Any:
        """Return the JSON of an answer that has to have one of these statuses."""
        answer = await self.call(method, path, **asked)
        if answer.status_code not in (statuses or (200,)):
            raise NotSurvived(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer.json() if answer.content else None

    # --- files

    async def promised(self, data: bytes = VIDEO, **fields: Any) -> dict[str, Any]:
        """Have an upload promised."""
        asked = {
            "filename": "clip.mp4",
            "content_type": "video/mp4",
            "size_bytes": len(data),
            **fields,
        }
        upload: dict[str, Any] = await self.said("POST", "/v1/uploads", 201, json=asked)
        return upload

    async def put(self, upload: dict[str, Any], data: bytes = VIDEO) -> None:
        """Put it where it was promised; one that is there already is fine."""
        headers = {k: v for k, v in upload["headers"].items() if k != "content-length"}
        answer = await self._persist("PUT", upload["url"], headers, content=data)
        if answer.status_code not in (200, 412):
            raise NotSurvived(f"PUT: {answer.status_code}")

    async def put_part(self, part: dict[str, Any], data: bytes) -> str:
        """Put a part of a file; return its ETag."""
        headers = {k: v for k, v in part["headers"].items() if k != "content-length"}
        answer = await self._persist("PUT", part["url"], headers, content=data)
        return answer.headers["etag"].strip('"')

    async def export_input(self) -> str:
        """Upload an input by way of the exports surface; return its key."""
        asked = {"filename": "clip.mp4", "size_bytes": len(VIDEO)}
        promised = await self.said("POST", "/api/videos/upload-url", json=asked)
        upload = {"url": promised["upload_url"], "headers": promised["headers"]}
        await self.put(upload)
        return str(promised["video_key"])

    async def uploaded(self, data: bytes = VIDEO) -> str:
        """Upload a file and return its asset's id."""
        upload = await self.promised(data)
        await self.put(upload, data)
        return await self.completed(upload["upload_id"])

    async def completed(self, upload_id: str, **asked: Any) -> str:
        """Complete an upload, twice: it has to be one asset."""
        path = f"/v1/uploads/{upload_id}/complete"
        first, second = [await self.said("POST", path, json=asked) for _ in range(2)]
        if first["asset_id"] != second["asset_id"]:
            raise NotSurvived("one upload became two assets")
        return str(first["asset_id"])

    async def asset(self) -> str:
        """Return the asset that jobs read unless they are told another."""
        self._asset_id = self._asset_id or await self.uploaded()
        return self._asset_id

    # --- jobs

    async def submit(self, *, deadline_s: float | None = None, **fields: Any) -> Order:
        """Submit a drill until it is accepted."""
        asset_id = fields.pop("asset_id", None) or await self.asset()
        job_input = {"source": {"asset_id": asset_id}, **fields}
        body: dict[str, Any] = {"kind": KIND.name, "input": job_input}
        if deadline_s is not None:
            body["deadline_s"] = deadline_s
        return await self.order(body)

    async def order(self, body: dict[str, Any]) -> Order:
        """Submit any job until it is accepted."""
        key = secrets.token_hex(8)
        job = await self._accepted(key, body)
        return Order(str(job["id"]), key, body)

    async def _accepted(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Idempotency-Key": key}
        job: dict[str, Any] = await self.said(
            "POST", "/v1/jobs", 202, 200, json=body, headers=headers
        )
        self.stage.seen.accepted.add(str(job["id"]))
        return job

    async def job(self, order: Order) -> dict[str, Any]:
        """Return the job as it stands."""
        shown: dict[str, Any] = await self.said("GET", f"/v1/jobs/{order.job_id}")
        return shown

    async def ended(self, order: Order, status: str = "succeeded") -> dict[str, Any]:
        """Wait for its end, which must be this one; a repeated request must be the same job."""
        job = await self.reached(order, *FINAL)
        if job["status"] != status:
            raise NotSurvived(f"the job ended as {job['status']}: {job['error']}")
        again = await self._accepted(order.key, order.body)
        if again["id"] != order.job_id:
            raise NotSurvived("the same request under the same key became a second job")
        if status == "succeeded" and order.body["kind"] == KIND.name:
            await self._must_be_copied(job)
        return job

    async def reached(self, order: Order, *statuses: str) -> dict[str, Any]:
        """Return the job once it is in one of these."""
        give_up_at = time.monotonic() + PATIENCE_S
        while (job := await self.job(order))["status"] not in statuses:
            if time.monotonic() > give_up_at:
                where = f"{job['status']}, waiting for {job['waiting_for']}"
                raise NotSurvived(f"the job is still {where} after {PATIENCE_S:.0f} s")
            await asyncio.sleep(PAUSE_S)
        return job

    async def at_work(self, order: Order) -> dict[str, Any]:
        """Return the job once its work goes on in a child."""
        give_up_at = time.monotonic() + PATIENCE_S
        while (job := await self.job(order))["stage"] in (None, "prepare"):
            if time.monotonic() > give_up_at or job["status"] in FINAL:
                raise NotSurvived(f"the job never got to work: {job['status']}")
            await asyncio.sleep(POLL_S)
        return job

    async def _must_be_copied(self, job: dict[str, Any]) -> None:
        (output,) = job["outputs"]
        answer = await self._persist("GET", output["url"], {})
        if answer.status_code != httpx.codes.OK or answer.content != copied(VIDEO):
            raise NotSurvived(f"the output is not what was asked for: {answer.status_code}")

    async def cancelled(self, order: Order) -> None:
        """Cancel it; repeating that is harmless."""
        for _ in range(2):
            await self.said("POST", f"/v1/jobs/{order.job_id}/cancel")

    async def deleted(self, order: Order) -> None:
        """Delete it, until it is not there."""
        self.stage.seen.erased.add(order.job_id)
        for _ in range(2):
            answer = await self.call("DELETE", f"/v1/jobs/{order.job_id}")
            if answer.status_code not in (204, 404):
                raise NotSurvived(f"DELETE: {answer.status_code} {answer.text[:200]}")
