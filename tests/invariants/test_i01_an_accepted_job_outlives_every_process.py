"""I1: a job answered 202 survives the death of any process at any instruction.

Here a served gateway is killed with SIGKILL amid the requests of many callers; the tables
are then taken up by another. `make faults` kills at named places.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.adapters.memory.compute import MemoryCompute
from gateway.adapters.memory.objects import MemoryObjectStore
from gateway.adapters.memory.url_signer import MemoryUrlSigner
from gateway.adapters.sql.engine import SqlEngine
from gateway.adapters.sqlite.connections import open_reader
from gateway.adapters.sqlite.migrate import migrate
from gateway.settings import RunpodSettings
from infra.local.stack.gateway_process import GatewayProcess
from infra.local.stack.ports import ReservedPort
from shared.kinds import load_kinds
from tests.support.audit import must_add_up, rows_of
from tests.support.databases import engine_on
from tests.support.house import DATABASE, Door, Outside
from tests.support.jobs import HandClock
from tests.support.serving import client_here
from tests.support.world import settings_of

NOWHERE = "http://127.0.0.1:9"
CALLERS, JOBS_BEFORE_DEATH, CANCELS_BEFORE_DEATH = 8, 20, 5
PATIENCE_S = 60
ROOMY = RunpodSettings(api_key="r" * 40, gpu_endpoint="gpu", gpu_slots=200)


def environment(folder: Path) -> dict[str, str]:
    """Return the settings of `settings_of` as variables: one service, whoever serves it."""
    same = settings_of(folder)
    assert same.store is not None
    return {
        "PATH": os.environ["PATH"],
        "CUTROOM_ENVIRONMENT": "development",
        "CUTROOM_DATABASE_PATH": str(folder / DATABASE),
        "CUTROOM_PUBLIC_BASE_URL": same.public_base_url,
        "CUTROOM_TOKEN_SECRET": same.token_secret.get_secret_value(),
        "CUTROOM_STORE_ENDPOINT_URL": NOWHERE,
        "CUTROOM_STORE_BUCKET": same.store.bucket,
        "CUTROOM_STORE_ACCESS_KEY_ID": same.store.access_key_id,
        "CUTROOM_STORE_SECRET_ACCESS_KEY": "s" * 40,
        "CUTROOM_RUNPOD_BASE_URL": NOWHERE,
        "CUTROOM_RUNPOD_API_KEY": "r" * 40,
        "CUTROOM_RUNPOD_GPU_ENDPOINT": "gpu",
        "CUTROOM_LIMITS_OPEN_JOBS_PER_TENANT": "1000000",
        "CUTROOM_LIMITS_REQUESTS_PER_S": "1000000",
        "CUTROOM_LIMITS_REQUESTS_BURST": "1000000",
    }


def an_outside() -> Outside:
    """Everything else, at the time that the killed process has, which is the machine's."""
    clock = HandClock(datetime.now(UTC))
    signer = MemoryUrlSigner(secret=b"s", clock=clock)
    return Outside(clock, MemoryCompute(), MemoryObjectStore(signer), signer)


def a_door(engine: SqlEngine, folder: Path) -> Door:
    return Door(engine, folder, an_outside(), offered=load_kinds(), runpod=ROOMY)


@pytest.fixture
async def door(tmp_path) -> AsyncIterator[Door]:
    """A gateway of this process on the file, which serves nobody yet."""
    migrate(tmp_path / DATABASE, now=datetime.now(UTC))
    async with engine_on(tmp_path / DATABASE) as engine:
        yield a_door(engine, tmp_path)


async def until_up(process: GatewayProcess) -> None:
    async with asyncio.timeout(PATIENCE_S), client_here() as http:
        while True:
            assert process.pid is not None, process.log_path.read_text()
            try:
                await http.get(f"{process.url}/healthz")
            except httpx.TransportError:
                await asyncio.sleep(0.02)
            else:
                return


class Callers:
    """Many who ask at once, until nobody answers.

    `heard`: what each request was told. `enough`: how many are told before the end.
    """

    def __init__(self, process: GatewayProcess, key: dict[str, str], enough: int) -> None:
        self._process, self._key, self._enough = process, key, enough
        self.heard: dict[str, Any] = {}
        self.enough = asyncio.Event()

    async def ask_until_it_dies(self, asks: list[tuple[str, str, Any]]) -> None:
        """Ask each once; kill the gateway once enough were answered, while others wait."""
        waiting = list(reversed(asks))

        async def one_by_one() -> None:
            async with client_here(base_url=self._process.url, headers=self._key) as http:
                while waiting:
                    name, path, body = waiting.pop()
                    try:
                        named = {"Idempotency-Key": name}
                        answer = await http.post(path, json=body, headers=named)
                    except httpx.TransportError:
                        return
                    self.heard[name] = (answer.status_code, answer.json())
                    if len(self.heard) >= self._enough:
                        self.enough.set()

        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(one_by_one())
            async with asyncio.timeout(PATIENCE_S):
                await self.enough.wait()
            await self._process.kill()


def must_be_there(rows: dict[str, str], accepted: set[str]) -> None:
    """Raise `AssertionError` where a job that was answered for is not written down."""
    lost = accepted - rows.keys()
    assert not lost, f"lost: {sorted(lost)}"


@pytest.mark.processes
async def test_i01_what_was_answered_for_before_a_sigkill_is_done_after_it(door, tmp_path):
    key = await door.a_key("default")
    order = {
        "kind": "export.framing",
        "input": {"source": {"asset_id": await door.an_asset()}, "crop_keyframes": []},
    }
    port = ReservedPort()
    child = GatewayProcess(port, environment(tmp_path), tmp_path / "home", tmp_path / "log")
    submitting = Callers(child, key, JOBS_BEFORE_DEATH)
    cancelling = Callers(child, key, CANCELS_BEFORE_DEATH)
    try:
        child.start()
        await until_up(child)
        asks = [(f"k{n}", "/v1/jobs", order) for n in range(500)]
        await submitting.ask_until_it_dies(asks)
        accepted = {said["id"] for status, said in submitting.heard.values() if status == 202}
        child.start()
        await until_up(child)
        cancels = [(each, f"/v1/jobs/{each}/cancel", None) for each in sorted(accepted)]
        await cancelling.ask_until_it_dies(cancels)
    finally:
        await child.kill()
        port.release()
    cancelled = {job_id for job_id, (status, _) in cancelling.heard.items() if status == 200}

    with closing(open_reader(tmp_path / DATABASE)) as reader:
        rows = dict(rows_of(reader, "SELECT id, status FROM jobs"))
        must_be_there(rows, accepted)
        assert {rows[job_id] for job_id in cancelled} <= {"cancelled"}
        must_add_up(reader)
        await door.gateway.start()
        for _ in range(4):  # whatever the dead had taken up or put off is anybody's by then
            door.clock.move(60)
            await door.gateway.tick()
        must_add_up(reader)
    asked = {str(each.input["job_id"]) for each in door.compute.submitted.values()}
    waiting = {job_id for job_id, status in rows.items() if status == "queued"}
    assert len(accepted) >= JOBS_BEFORE_DEATH
    assert len(cancelled) >= CANCELS_BEFORE_DEATH
    assert asked == waiting
    # Whom nobody answered asks again, and it is one job, made before or now.
    again = await door.cases.store.bound_to("default", "POST /v1/jobs", "k0")
    assert again is not None
    assert again[0].id == submitting.heard["k0"][1]["id"]


class Hasty(SqlEngine):
    """Answers for a job before it is written, and dies in between."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    async def batch(self, statements: Any) -> Any:
        if any("INSERT INTO jobs" in sql for sql, _ in statements):
            return [[] for _ in statements]
        return await self._engine.batch(statements)

    async def fetch(self, sql: str, params: Any = ()) -> Any:
        return await self._engine.fetch(sql, params)

    async def aclose(self) -> None:
        await self._engine.aclose()


async def test_i01_a_gateway_that_answers_before_it_writes_is_found_out(door, tmp_path):
    await door.a_key("default")
    hasty = a_door(Hasty(door.engine), tmp_path)
    asset_id = await door.an_asset()
    order = {"source": {"asset_id": asset_id}, "crop_keyframes": []}
    accepted = {await hasty.submit(kind="export.framing", input=order)}
    with closing(open_reader(tmp_path / DATABASE)) as reader:
        rows = dict(rows_of(reader, "SELECT id, status FROM jobs"))
        with pytest.raises(AssertionError, match="lost"):
            must_be_there(rows, accepted)
