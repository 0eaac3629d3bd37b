"""Everything at once: `async with LocalStack(folder) as stack`."""

import asyncio
import fcntl
import json
import logging
import os
import secrets
import sys
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from infra.local.object_store import Faults, build_store
from infra.local.object_store.app import ObjectStore
from infra.local.runpod.config import EmulatorConfig, EndpointConfig
from infra.local.runpod.emulator import Emulator, build_emulator
from infra.local.stack.balancer import Balancer
from infra.local.stack.config import BUCKET, ENDPOINT, StackConfig
from infra.local.stack.credentials import Credentials, write_private
from infra.local.stack.gateway_process import GatewayProcess
from infra.local.stack.ports import ReservedPort
from infra.local.stack.serving import StartFailed, Switched, serving

log = logging.getLogger(__name__)

SECOND_TENANT = "second"
KEY_TIMEOUT_S = 60.0


class LocalStack:
    """Object store and emulator in this process, gateway and workers in their own.

    All state is under `data`; a later stack on the same folder goes on with it. While the
    block lasts everything answers, and after it not one process is left. Linux only.
    """

    objects: ObjectStore
    object_faults: Faults
    store_switch: Switched
    emulator: Emulator
    gateways: tuple[GatewayProcess, ...]
    balancer: Balancer | None

    def __init__(self, data: Path, config: StackConfig | None = None) -> None:
        self.data = data.resolve()
        self.config = config or StackConfig()
        self.logs = self.data / "logs"
        self._credentials: Credentials | None = None
        self._opened = AsyncExitStack()

    @property
    def base_url(self) -> str:
        """Where the gateways answer: the balancer's address if there are several."""
        return self.balancer.url if self.balancer else self.gateway.url

    @property
    def gateway(self) -> GatewayProcess:
        """The first gateway, which is the only one unless more were asked for."""
        return self.gateways[0]

    @property
    def api_key(self) -> str:
        """A key of the tenant `default`, with every scope."""
        return self._known.api_key

    @property
    def second_api_key(self) -> str:
        """A key of another tenant, with the same scopes."""
        return self._known.second_api_key

    @property
    def _known(self) -> Credentials:
        if self._credentials is None:
            raise RuntimeError("the stack is not open")
        return self._credentials

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await _to_the_end(self._opened.aclose())
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await _to_the_end(self._opened.aclose())

    async def _open(self) -> None:
        """Open each part and note how it is closed, which happens in reverse.

        The workers end first, so that they can still report; then the gateway; then what
        both talk to.
        """
        config, opened = self.config, self._opened
        self.logs.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o700)
        self._lock()
        self._credentials = Credentials.kept_at(self.data / "credentials.json")
        ports = self._reserved_ports()
        self.balancer = await self._balanced(ports)
        base_url = self.balancer.url if self.balancer else ports[0].url
        self.object_faults = Faults()
        self.objects = self._build_store(base_url)
        self.store_switch = await opened.enter_async_context(Switched(self.objects))
        store_url = self.store_switch.url
        self.emulator = self._build_emulator()
        emulator_url = await opened.enter_async_context(serving(self.emulator.app))
        env = self._gateway_env(base_url, store_url, emulator_url)
        write_private(self.data / "gateway.env", _env_file(env))
        self.gateways = tuple(self._gateway(*each, env) for each in enumerate(ports, 1))
        opened.push_async_callback(self._stop_gateways)
        for each in self.gateways:
            each.start()
        opened.push_async_callback(self.emulator.stop)
        await self.emulator.start(emulator_url)
        for each in self.gateways:
            await each.until_ready(config.ready_within_s)
        await self._have_second_key(env)
        log.info("stack.ready", extra={"base_url": base_url})

    def _reserved_ports(self) -> list[ReservedPort]:
        """Return one for each gateway; `port` of the config is the only gateway's."""
        count = self.config.gateways
        ports = []
        for _ in range(count):
            ports.append(ReservedPort(self.config.port if count == 1 else 0))
            self._opened.callback(ports[-1].release)
        return ports

    async def _balanced(self, ports: Sequence[ReservedPort]) -> Balancer | None:
        if len(ports) == 1:
            return None
        balancer = Balancer([each.number for each in ports], self.config.port)
        return await self._opened.enter_async_context(balancer)

    def _gateway(
        self, number: int, port: ReservedPort, env: Mapping[str, str]
    ) -> GatewayProcess:
        """Return one with a folder and a log of its own."""
        name = "gateway" if number == 1 else f"gateway-{number}"
        told = ["--one-request-each"] if self.balancer else []
        if self.config.gateway_app is not None:
            told += ["--app", self.config.gateway_app]
        return GatewayProcess(port, env, self.data / name, self.logs / f"{name}.jsonl", told)

    async def _stop_gateways(self) -> None:
        """Stop all at once: each may take its time over the streams still open."""
        await asyncio.gather(*(each.stop() for each in self.gateways))

    def _lock(self) -> None:
        """Keep the folder to this process. Raises `StartFailed`."""
        lock = self._opened.enter_context((self.data / "lock").open("wb"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartFailed(f"another stack runs in {self.data}") from error

    def _build_store(self, page_origin: str) -> ObjectStore:
        known = self._known
        return build_store(
            self.data / "objects",
            keys={known.store_key_id: known.store_secret},
            buckets=[BUCKET],
            cors_origins=[page_origin, *self.config.cors_origins],
            faults=self.object_faults,
        )

    def _build_emulator(self) -> Emulator:
        config = self.config
        kernels = config.kernel_cache or self.data / "kernels"
        kernels.mkdir(parents=True, exist_ok=True)
        worker_env = {"CUTROOM_WORKER_NUMBA_CACHE_DIR": str(kernels.resolve())}
        emulator = build_emulator(
            EmulatorConfig(
                run_folder=self.data / "workers",
                api_key=self._known.runpod_api_key,
                endpoints=(
                    EndpointConfig(
                        name=ENDPOINT,
                        min_workers=config.warm_workers,
                        max_workers=config.workers,
                        scaling="request_count",
                        jobs_per_worker=1,
                        idle_s=config.idle_s,
                        command=config.worker_command,
                        env=tuple((worker_env | dict(config.worker_env)).items()),
                    ),
                ),
                poll_hold_s=config.poll_hold_s,
                stop_grace_s=config.stop_grace_s,
                control=config.emulator_control,
            ),
            clock=time.monotonic,
            new_id=lambda: secrets.token_hex(7),
        )
        for fault in config.faults:
            emulator.faults.add(fault)
        return emulator

    def _gateway_env(self, base_url: str, store_url: str, emulator_url: str) -> dict[str, str]:
        """Return the whole environment of the gateway; nothing of ours leaks into it."""
        known = self._known
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "CUTROOM_ENVIRONMENT": "development",
            "CUTROOM_DATABASE_PATH": str(self.data / "cutroom.sqlite3"),
            "CUTROOM_PUBLIC_BASE_URL": base_url,
            "CUTROOM_TOKEN_SECRET": known.token_secret,
            "CUTROOM_API_KEYS": known.api_key,
            "CUTROOM_CORS_ORIGINS": ",".join(self.config.cors_origins),
            "CUTROOM_OUTGOING_ALLOW": "localhost,127.0.0.1,::1",  # receivers of webhooks
            "CUTROOM_STORE_ENDPOINT_URL": store_url,
            "CUTROOM_STORE_BUCKET": BUCKET,
            "CUTROOM_STORE_ACCESS_KEY_ID": known.store_key_id,
            "CUTROOM_STORE_SECRET_ACCESS_KEY": known.store_secret,
            "CUTROOM_RUNPOD_BASE_URL": f"{emulator_url}/v2",
            "CUTROOM_RUNPOD_API_KEY": known.runpod_api_key,
            "CUTROOM_RUNPOD_GPU_ENDPOINT": ENDPOINT,
            "CUTROOM_RUNPOD_GPU_SLOTS": str(self.config.workers),
        } | dict(self.config.settings)

    async def _have_second_key(self, env: dict[str, str]) -> None:
        """Have the other tenant's key made by the command that an operator would use."""
        if self._known.second_api_key or not self.config.second_tenant:
            return
        command = [sys.executable, "-m", "cli.main", "keys", "create", "--json"]
        making = await asyncio.create_subprocess_exec(
            *command,
            *("--tenant", SECOND_TENANT, "--label", "local stack"),
            env=env | {"HOME": str(self.data), "PYTHONSAFEPATH": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(KEY_TIMEOUT_S):
                said, _ = await making.communicate()
        finally:
            if making.returncode is None:
                making.kill()
                await making.wait()
        if making.returncode != os.EX_OK:
            raise StartFailed("the second tenant's key could not be made")
        self._credentials = self._known.with_second(json.loads(said)["api_key"])
        self._credentials.keep(self.data / "credentials.json")


async def _to_the_end(closing: Coroutine[Any, Any, None]) -> None:
    """Close everything also where this task is cancelled meanwhile."""
    task = asyncio.create_task(closing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def _env_file(env: Mapping[str, str]) -> str:
    """Return the gateway's settings as a file that `cutroom keys --env-file` reads."""
    ours = ((name, value) for name, value in env.items() if name.startswith("CUTROOM_"))
    return "".join(f"{name}='{value}'\n" for name, value in ours)
