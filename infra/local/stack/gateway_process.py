"""The gateway's process: started, asked whether it is ready, killed, started again."""

import asyncio
import logging
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from infra.local.runpod import processes
from infra.local.runpod.leftovers import kill_all
from infra.local.runpod.supervisor import LAUNCHER
from infra.local.stack.ports import ReservedPort
from infra.local.stack.serving import SHUTDOWN_S, StartFailed

log = logging.getLogger(__name__)

POLL_S = 0.05
ASK_TIMEOUT_S = 5.0
# Open streams, then the adapters: past this it hangs.
STOP_S = SHUTDOWN_S + 6.0


class GatewayProcess:
    """One gateway, in a session of its own, which dies with the thread that starts it.

    `env` is the whole of its environment. Its output is appended to `log_path`. `told` are
    more words for the server's command line.
    """

    def __init__(
        self,
        port: ReservedPort,
        env: Mapping[str, str],
        folder: Path,
        log_path: Path,
        told: Sequence[str] = (),
    ) -> None:
        self._port = port
        self._told = tuple(told)
        self._env = dict(env)
        self.folder = folder.resolve()
        self.log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers, from one start to the next."""
        return self._port.url

    @property
    def port(self) -> int:
        """The port of that address."""
        return self._port.number

    @property
    def pid(self) -> int | None:
        """Its pid, which is its session's number too; None while it does not run."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    def start(self) -> None:
        """Start it; it is not ready yet."""
        if self.pid is not None:
            raise RuntimeError("the gateway runs already")
        self.folder.mkdir(parents=True, exist_ok=True)
        launch = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), "--"]
        server = [sys.executable, "-m", "infra.local.stack.gateway_server"]
        with self.log_path.open("ab") as log_file:
            self._process = subprocess.Popen(
                [*launch, *server, str(self._port.number), *self._told],
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self._env | {"HOME": str(self.folder), "TMPDIR": str(self.folder)},
                start_new_session=True,
            )
        log.info("gateway.started", extra={"pid": self._process.pid})

    async def until_ready(self, within_s: float) -> None:
        """Return once `/readyz` answers 200. Raises `StartFailed`."""
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # to trust: reading of all costs 20 ms
        try:
            async with (
                asyncio.timeout(within_s),
                httpx.AsyncClient(
                    verify=nobody, trust_env=False, timeout=ASK_TIMEOUT_S
                ) as client,
            ):
                while not await self._is_ready(client):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(POLL_S)
        except TimeoutError as error:
            why = f"the gateway is not ready after {within_s:.0f} s; see {self.log_path}"
            raise StartFailed(why) from error

    async def until_ended(self) -> None:
        """Return once it does not run, for whatever reason."""
        while self.pid is not None:  # noqa: ASYNC110 - no event tells of another process
            await asyncio.sleep(POLL_S * 4)

    async def kill(self) -> None:
        """SIGKILL, as when the machine loses power; returns once it is gone."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL; returns once nothing of it is left."""
        await self._end(signal.SIGTERM)

    async def restart(self, within_s: float = 60.0) -> None:
        """End it if it runs, and start it on the same port with the same settings."""
        await self.stop()
        self.start()
        await self.until_ready(within_s)

    async def _is_ready(self, client: httpx.AsyncClient) -> bool:
        if self._process is None or self._process.poll() is not None:
            code = self._process.returncode if self._process else None
            raise StartFailed(f"the gateway ended with {code}; see {self.log_path}")
        try:
            answer = await client.get(f"{self.url}/readyz")
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            await asyncio.to_thread(process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            log.warning("gateway.stop_took_too_long", extra={"pid": process.pid})
        finally:
            # It starts no process of its own; were there one, it would not be left behind.
            kill_all(lambda: processes.members(self.folder, process.pid))
            process.wait()
        log.info("gateway.ended", extra={"exit_status": process.returncode})
