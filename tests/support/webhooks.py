"""A gateway whose webhooks go to real receivers on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from gateway.adapters.http_outgoing import HttpOutgoing
from gateway.core.targets import TargetRules
from tests.support.jobs import STORES
from tests.support.receivers import Heard, Receiver
from tests.support.world import World, a_world, calling

ENDPOINTS = "/v1/webhook-endpoints"


class Desk:
    """The routes of webhook endpoints, as a tenant calls them."""

    def __init__(self, world: World, http: httpx.AsyncClient) -> None:
        self.world = world
        self.http = http
        self.secrets: dict[str, str] = {}

    async def register(self, receiver: Receiver, path: str = "/in", **asked: Any) -> str:
        """Register a receiver and return the endpoint's id."""
        url = f"http://127.0.0.1:{receiver.port}{path}"
        answer = await self.http.post(ENDPOINTS, json={"url": url, **asked})
        assert answer.status_code == 201, answer.text
        made = answer.json()
        self.secrets[made["id"]] = made["secret"]
        return str(made["id"])

    async def deliveries(self, endpoint_id: str) -> list[dict[str, Any]]:
        """Return what became of the deliveries to an endpoint, newest first."""
        answer = await self.http.get(f"{ENDPOINTS}/{endpoint_id}/deliveries")
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def read(self, endpoint_id: str) -> dict[str, Any]:
        """Return the endpoint as its owner sees it."""
        found: dict[str, Any] = (await self.http.get(f"{ENDPOINTS}/{endpoint_id}")).json()
        return found

    async def sent(self) -> None:
        """Let what has happened be announced, and what is due be delivered."""
        await self.world.gateway.perform()
        await self.world.gateway.deliver()

    async def ended_job(self, **fields: Any) -> str:
        """Submit a job and cancel it."""
        job_id = await self.world.submit(**fields)
        await self.world.cases.cancel("default", job_id)
        return job_id


async def no_names(_host: str, _port: int) -> list[str]:
    """Lead nowhere: tests look nothing up."""
    return []


@asynccontextmanager
async def a_desk(folder: Path, stores: str = "sqlite") -> AsyncIterator[Desk]:
    """Open a gateway that may call loopback."""
    async with a_world(STORES[stores], folder) as world:
        world.outgoing = HttpOutgoing(TargetRules.allowing(["127.0.0.1"]), resolve=no_names)
        world.gateway = world.boot()
        async with calling(world, await world.a_key()) as http:
            yield Desk(world, http)


def signed_by(secret: str, heard: Heard) -> bool:
    """True where one of a request's signatures is of this secret, whenever it was made."""
    at = datetime.fromtimestamp(int(heard.headers["webhook-timestamp"]), tz=UTC)
    expected = Webhook(secret).sign(heard.headers["webhook-id"], at, heard.body.decode())
    return expected in heard.headers["webhook-signature"].split()
