"""However the gateway is started, its log tells who asked for what, and shows no ticket."""

import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from gateway.core.tickets import Tickets

REPOSITORY = Path(__file__).parents[2]
SECRET = "t" * 40
STARTS_WITHIN_S = 30
ENTRY = "gateway.entrypoints.local"
WAYS = {
    "module": ["-m", ENTRY, "--port", "{port}"],
    "uvicorn, tracing": [
        *("-m", "uvicorn", "--factory", f"{ENTRY}:app", "--port", "{port}"),
        *("--log-level", "trace"),
    ],
    "stack": ["-m", "infra.local.stack.gateway_server", "{port}"],
}


def environment(folder):
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return inherited | {
        "PYTHONPATH": str(REPOSITORY),
        "CUTROOM_ENVIRONMENT": "development",
        "CUTROOM_LOG_LEVEL": "DEBUG",
        "CUTROOM_DATABASE_PATH": str(folder / "cutroom.db"),
        "CUTROOM_PUBLIC_BASE_URL": "http://127.0.0.1:1",
        "CUTROOM_TOKEN_SECRET": SECRET,
        "CUTROOM_STORE_ENDPOINT_URL": "http://127.0.0.1:2",
        "CUTROOM_STORE_BUCKET": "cutroom",
        "CUTROOM_STORE_ACCESS_KEY_ID": "id",
        "CUTROOM_STORE_SECRET_ACCESS_KEY": "s" * 40,
        "CUTROOM_RUNPOD_API_KEY": "r" * 40,
        "CUTROOM_RUNPOD_GPU_ENDPOINT": "gpu",
    }


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def until_it_answers(url, process):
    give_up_at = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            return httpx.get(f"{url}/healthz", timeout=5)
        except httpx.TransportError:
            assert process.poll() is None
            assert time.monotonic() < give_up_at
            time.sleep(0.05)


def close_code(url, **options):
    with (
        pytest.raises(ConnectionClosed) as closed,
        connect(url, open_timeout=10, **options) as socket_,
    ):
        socket_.recv(timeout=10)
    return closed.value.rcvd.code


@pytest.mark.processes
@pytest.mark.parametrize("way", WAYS)
def test_no_log_shows_a_ticket(way, tmp_path):
    port = free_port()
    ticket = Tickets(SECRET.encode(), "tj_").issue(
        "default", "j1", datetime.now(UTC) + timedelta(minutes=5)
    )
    command = [part.format(port=port) for part in WAYS[way]]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until_it_answers(f"http://127.0.0.1:{port}", process)
        at = f"127.0.0.1:{port}/v1/jobs/j1"
        codes = [
            close_code(f"ws://{at}/live?ticket={ticket}"),
            close_code(f"ws://{at}/live?%74icket={ticket}"),
            close_code(
                f"ws://{at}/live", subprotocols=["cutroom.v1", f"cutroom.ticket.{ticket}"]
            ),
        ]
        answered = httpx.get(f"http://{at}/events?ticket={ticket}")
    finally:
        process.terminate()
        process.wait(20)
    said = (tmp_path / "log").read_text()
    assert ticket not in said
    assert ticket.rpartition(".")[2] not in said
    assert codes == [4404, 4404, 4404]  # the ticket is good; there is no such job
    assert answered.status_code == 404
    assert said.count("/v1/jobs/j1/live") == 3
    assert "/v1/jobs/j1/events" in said
