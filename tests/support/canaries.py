"""Secrets planted wherever somebody may put one, and looked for wherever they may not be."""

import base64
import json
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from infra.local.stack.local_stack import LocalStack
from tests.support.serving import client_here

QUERIES = ("api_key", "key", "token", "access_token", "ticket", "secret", "signature", "sig")
# What a log may never hold, though nobody knows the very value.
SHAPES = re.compile(
    r"X-Amz-Signature=[0-9a-f]{8}|X-Amz-Credential=[^\[]|Signature=[0-9a-f]{16}"
    r"|\bw[sa]_\d+\.[a-z2-7]{20}|\bt[ju]_[\w-]+\.\d+\.[a-z2-7]{20}"
    r"|\bck_\w+_[a-z2-7]{20}|\brpa_[0-9a-f]{20}|Bearer +[^\[\s]{8}",
    re.IGNORECASE,
)
LOGS = frozenset({".jsonl", ".log", ".txt"})


@dataclass(slots=True)
class Canaries:
    """What was planted, or given out: each text is nobody else's and long enough to be found.

    `payload` is a customer's own text, which a database keeps and a log does not.
    """

    secrets: list[str] = field(default_factory=list)
    payload: list[str] = field(default_factory=list)

    def new(self) -> str:
        """Return a secret that is planted from now on."""
        self.secrets.append(secrets.token_hex(20))
        return self.secrets[-1]

    def new_payload(self) -> str:
        """Return a text such as a customer writes."""
        self.payload.append(secrets.token_hex(20))
        return self.payload[-1]

    def given(self, url: str) -> str:
        """Note what opens an address, and return the address."""
        for values in parse_qs(urlsplit(url).query).values():
            self.secrets += [each for each in values if re.fullmatch(r"[0-9a-f]{64}", each)]
        return url

    def ticket(self, ticket: str) -> str:
        """Note the part of a ticket that proves it, and return the ticket."""
        self.secrets.append(ticket.rpartition(".")[2])
        return ticket


def kept_by(stack: LocalStack) -> list[str]:
    """Return every secret the stack was made with."""
    kept: dict[str, str] = json.loads((stack.data / "credentials.json").read_text())
    return [value for name, value in kept.items() if value and name != "store_key_id"]


def logs_of(stack: LocalStack) -> list[Path]:
    """Return every file that a process of the stack writes lines to."""
    return [path for path in stack.data.rglob("*") if path.is_file() and path.suffix in LOGS]


def database_of(stack: LocalStack) -> bytes:
    """Return all that the gateways keep."""
    return b"".join(path.read_bytes() for path in sorted(stack.data.glob("cutroom.sqlite3*")))


def found_in(text: str, wanted: Sequence[str]) -> Iterator[str]:
    """Yield what of it stands in a text, with what stands before it to tell where."""
    for each in wanted:
        at = text.find(each)
        if at >= 0:
            yield text[max(0, at - 120) : at + 8]


async def plant_everywhere(stack: LocalStack, canaries: Canaries, job_id: str) -> None:
    """Ask every program for something, with a secret in each place there is for one."""
    env = dict(re.findall(r"^(\w+)='(.*)'$", (stack.data / "gateway.env").read_text(), re.M))
    async with client_here(base_url=stack.base_url) as http:
        for path in ("/v1/jobs", f"/v1/jobs/{job_id}/events", "/v1/nowhere", "/api/jobs/x"):
            await _in_headers_and_query(http, path, canaries)
        await _in_bodies(http, stack.api_key, canaries)
        await _as_a_worker(http, job_id, canaries)
        await http.post(f"/v1/provider-webhooks/fal/{canaries.new()}", json={"a": 1})
    await _in_sockets(stack.base_url.replace("http", "ws", 1), job_id, canaries)
    async with client_here() as http:
        await _at_the_store(http, env["CUTROOM_STORE_ENDPOINT_URL"], canaries)
        emulator = env["CUTROOM_RUNPOD_BASE_URL"]
        for path in ("local-gpu/run", f"local-gpu/status/{canaries.new()[:8]}", "nowhere/run"):
            bearer = {"Authorization": f"Bearer rpa_{canaries.new()}"}
            await http.post(f"{emulator}/{path}", headers=bearer, json={"input": {}})


async def _in_headers_and_query(http: httpx.AsyncClient, path: str, canaries: Canaries) -> None:
    basic = canaries.new()
    encoded = base64.b64encode(f"user:{basic}".encode()).decode()
    canaries.secrets.append(encoded)
    for headers in (
        {"Authorization": f"Bearer {canaries.new()}"},
        {"Authorization": f"Bearer ck_aaaaaaaaaaaaaaaa_{canaries.new()}"},
        {"Authorization": f"Basic {encoded}"},
        {"Authorization": f"Token {canaries.new()}"},
        {"Authorization": canaries.new()},
        {"X-API-Key": canaries.new()},
        {"Cookie": f"session={canaries.new()}", "Proxy-Authorization": canaries.new()},
    ):
        await http.get(path, headers=headers)
    for name in (*QUERIES, "X-Amz-Signature", "X-Amz-Security-Token"):
        await http.get(path, params={name: canaries.new()})


async def _in_bodies(http: httpx.AsyncClient, api_key: str, canaries: Canaries) -> None:
    headers = {"Authorization": f"Bearer {api_key}"}
    text = canaries.new_payload()
    bodies: tuple[Any, ...] = (
        {"kind": text, "input": {}},
        {"kind": "export.framing", "input": {"source": {"asset_id": text}, text: text}},
        {"kind": "export.framing", "input": {}, "api_key": text},
    )
    for body in bodies:
        await http.post("/v1/jobs", json=body, headers=headers)
    typed = {**headers, "Content-Type": "application/json"}
    await http.post("/v1/jobs", content=f'{{"kind": "{text}', headers=typed)
    await http.post("/v1/jobs", content=text, headers={**headers, "Content-Type": text})
    keyed = {**headers, "Idempotency-Key": canaries.new_payload()}
    await http.post("/v1/jobs", json=bodies[0], headers=keyed)


async def _as_a_worker(http: httpx.AsyncClient, job_id: str, canaries: Canaries) -> None:
    claim = {"nonce": canaries.new(), "runpod_job_id": "r", "worker": {"id": "w"}}
    for token in ("ws_1.", "wa_1.", ""):
        bearer = {"Authorization": f"Bearer {token}{canaries.new()}"}
        for call in ("claim", "outputs", "reports"):
            await http.post(f"/v1/work/{job_id}/{call}", json=claim, headers=bearer)


async def _in_sockets(base_url: str, job_id: str, canaries: Canaries) -> None:
    for path in (f"/v1/jobs/{job_id}/live", f"/api/jobs/{job_id}/ws"):
        beside = ["cutroom.v1", f"cutroom.ticket.{canaries.new()}"]
        bearer = {"Authorization": f"Bearer {canaries.new()}"}
        for query, options in (
            (f"?ticket={canaries.new()}", {}),
            (f"?%74icket=tj_default.9999999999.{canaries.new()}", {}),
            ("", {"subprotocols": beside}),
            ("", {"additional_headers": bearer}),
        ):
            async with connect(f"{base_url}{path}{query}", **options) as socket:
                try:
                    await socket.recv()
                except ConnectionClosed:
                    continue


async def _at_the_store(http: httpx.AsyncClient, url: str, canaries: Canaries) -> None:
    signed = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{canaries.new()}/20261121/auto/s3/aws4_request",
        "X-Amz-Date": "20261121T120000Z",
        "X-Amz-Expires": "60",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": canaries.new(),
        "X-Amz-Security-Token": canaries.new(),
    }
    await http.get(f"{url}/cutroom/nothing.mp4", params=signed)
    await http.put(f"{url}/cutroom/nothing.mp4", params=signed, content=b"x")
    said = f"AWS4-HMAC-SHA256 Credential={canaries.new()}, Signature={canaries.new()}"
    await http.get(f"{url}/cutroom/nothing.mp4", headers={"Authorization": said})
