"""`cutroom serve`: what it announces is true, and nothing outlives it."""

import asyncio
import json
import re
import signal
import socket
import stat
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect

from client import ApiProblem, Cutroom
from tests.support.programs import SAMPLE, Program, running, still_alive, until, until_served
from tests.support.watchers import as_socket

pytestmark = pytest.mark.processes

# A signature, a worker's token, a ticket.
SECRET = re.compile(
    r"X-Amz-Signature=[0-9a-f]{8}|\bw[sa]_\d+\.[a-z2-7]{20}|\bt[ju]_[\w-]+\.\d+\."
)
FRAMING = {"crop_keyframes": None, "output_width": 1080, "output_height": 1920}


@pytest.fixture
def folder(tmp_path: Path, kernel_cache: Path) -> Path:
    """An empty folder, but for kernels that need not be compiled again."""
    (tmp_path / "build").mkdir()
    (tmp_path / "build/kernels").symlink_to(kernel_cache)
    return tmp_path


def serving(folder: Path, name: str = "serve.out", *more: str) -> Any:
    return running(folder / name, folder, "serve", "--workers", "1", *more)


def workers(program: Program) -> list[psutil.Process]:
    return [each for each in program.family() if "gpu_worker.handler" in each.cmdline()]


def test_serve_announces_itself_once_all_answers_and_a_stop_leaves_nothing(folder: Path):
    with serving(folder) as program:
        said = until_served(program, folder)
        file = folder / "build/serve.json"
        ready = httpx.get(f"{said['base_url']}/readyz", timeout=10)
        mode = stat.S_IMODE(file.stat().st_mode)
        log = Path(said["log"]).read_text()
        with serving(folder, "second.out") as second:
            refused = second.ended()
        announced = file.exists()
        family = program.family()
        program.tell(signal.SIGTERM)
        status = program.ended()
    assert ready.status_code == 200
    assert (said["pid"], mode) == (program.pid, 0o600)
    assert said["api_key"] not in log
    assert len(family) >= 2
    assert refused == 1
    assert "runs in this folder already" in second.said
    assert announced
    assert status == 0
    assert still_alive(family) == []
    assert not file.exists()
    assert said["api_key"] not in program.said


def allowed(url: str, origin: str, method: str, *headers: str) -> bool:
    """Ask as a browser does before a page of another origin may."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": ", ".join(headers),
    }
    answer = httpx.options(url, headers=asked, timeout=10, trust_env=False)
    return answer.headers.get("access-control-allow-origin") == origin and answer.is_success


def test_named_pages_may_call_the_gateway_and_put_into_the_store(folder: Path):
    origins = "http://localhost:3001, https://app.example.com/"
    with serving(folder, "serve.out", "--origins", origins) as program:
        said = until_served(program, folder)
        asked = {"filename": "a.mp4"}
        key = {"X-API-Key": said["api_key"]}
        promise = httpx.post(
            f"{said['base_url']}/api/videos/upload-url", json=asked, headers=key
        )
        page = "http://localhost:3001"
        job_url, put_url = f"{said['base_url']}/api/jobs", promise.json()["upload_url"]
        told = [
            allowed(job_url, page, "POST", "authorization", "content-type", "idempotency-key"),
            allowed(put_url, page, "PUT", *promise.json()["headers"]),
            allowed(put_url, "https://app.example.com", "PUT", "content-type"),
            allowed(job_url, "https://example.org", "POST"),
            allowed(put_url, "https://example.org", "PUT"),
        ]
    assert told == [True, True, True, False, False]


def test_a_port_that_is_taken_is_said_to_be(folder: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with running(folder / "serve.out", folder, "serve", "--port", port) as program:
            status = program.ended()
    assert status == 1
    assert f"error: port {port} of 127.0.0.1 is taken" in program.said
    assert "Traceback" not in program.said
    assert not (folder / "build/serve.json").exists()


def test_another_stack_on_the_same_data_is_refused(folder: Path, tmp_path_factory: Any):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with serving(folder) as program:
        until_served(program, folder)
        data = str(folder / "build/serve")
        with running(elsewhere / "serve.out", elsewhere, "serve", "--data", data) as second:
            refused = second.ended()
        answers = httpx.get(f"{until_served(program, folder)['base_url']}/readyz", timeout=10)
    assert refused == 1
    assert "another stack runs in" in second.said
    assert answers.status_code == 200


def all_logs(folder: Path) -> str:
    """Return whatever was written down but what has to hold a secret, and the objects."""
    meant = {"credentials.json", "gateway.env", "serve.json"}
    found = [
        path.read_bytes().decode(errors="replace")
        for path in folder.rglob("*")
        if path.is_file() and path.name not in meant and "sqlite" not in path.name
        if not {"objects", "kernels"} & set(path.relative_to(folder).parts)
    ]
    assert len(found) >= 3  # the stack's, the gateway's, a worker's
    return "\n".join(found)


async def watched_by_ticket(said: dict[str, Any], job_id: str) -> tuple[str, set[str]]:
    """Watch by WebSocket and by SSE under one ticket; return it and how both ended."""
    base_url, headers = said["base_url"], {"X-API-Key": said["api_key"]}
    async with httpx.AsyncClient(base_url=base_url, trust_env=False) as http:
        issued = await http.post(f"/v1/jobs/{job_id}/ticket", headers=headers)
        ticket = issued.raise_for_status().json()["ticket"]
        live = f"{as_socket(base_url)}/v1/jobs/{job_id}/live?ticket={ticket}"
        async with connect(live, proxy=None) as websocket:
            sent = [json.loads(message) async for message in websocket]
        path = f"/v1/jobs/{job_id}/events?ticket={ticket}"
        streamed = await http.get(path, headers={"Accept": "text/event-stream"})
    last = streamed.text.rpartition("event: ")[2].partition("\n")[0]
    return ticket, {sent[-1]["type"], last}


def test_no_log_holds_a_secret_and_each_request_can_be_found_by_its_id(folder: Path):
    """D142, on what `make serve` leaves: under its data folder, workers' files too."""
    with serving(folder) as program:
        said = until_served(program, folder)
        key = {"X-API-Key": said["api_key"], "X-Request-ID": "trace-of-mine"}
        asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 9}
        promise = httpx.post(f"{said['base_url']}/v1/uploads", json=asked, headers=key).json()
        with Cutroom(said["base_url"], said["api_key"]) as cutroom:
            asset = cutroom.upload(SAMPLE)
            source = {"source": {"asset_id": asset.asset_id}, "end_time": 1}
            submitted = cutroom.submit("export.framing", source | FRAMING)
            ticket, ends = asyncio.run(watched_by_ticket(said, submitted.id))
            job = cutroom.job(submitted.id)
        program.tell(signal.SIGTERM)
        program.ended()
    log = Path(said["log"]).read_text()
    written = all_logs(folder)
    credentials = json.loads((folder / "build/serve/credentials.json").read_text())
    shown = [promise["url"].partition("?")[2], job.output("video").url.partition("?")[2]]
    secrets = [*credentials.values(), promise["ticket"], ticket, *shown]
    assert ends == {"succeeded"}
    assert "trace-of-mine" in log
    assert ticket not in str(program.said)
    assert all(len(secret) > 20 for secret in secrets)
    assert [secret for secret in secrets if secret in written] == []
    assert re.findall(SECRET, written) == []


def test_jobs_outlive_a_stop_in_the_middle_and_are_their_tenants_alone(folder: Path):
    with serving(folder) as program:
        said = until_served(program, folder)
        with Cutroom(said["base_url"], said["api_key"]) as cutroom:
            asset = cutroom.upload(SAMPLE)
            source = {"source": {"asset_id": asset.asset_id}}
            job = cutroom.submit("export.framing", source | FRAMING)
            until(program, lambda: cutroom.job(job.id).stage == "render")
        with Cutroom(said["base_url"], said["second_api_key"]) as neighbour:
            with pytest.raises(ApiProblem) as hidden:
                neighbour.job(job.id)
            with pytest.raises(ApiProblem) as unusable:
                neighbour.submit("export.framing", source | FRAMING)
        family = program.family()
        at_work = workers(program)
        program.tell(signal.SIGINT)
        status = program.ended()
    assert (hidden.value.status, unusable.value.status) == (404, 404)
    assert at_work  # the job was in the middle of it
    assert status == 0
    assert still_alive(family) == []
    with serving(folder, "again.out") as program:
        again = until_served(program, folder)
        with Cutroom(again["base_url"], again["api_key"]) as cutroom:
            found = cutroom.job(job.id)
            cancelled = cutroom.cancel(job.id)
    assert again["second_api_key"] == said["second_api_key"]
    assert found.status in {"running", "queued"}
    assert cancelled.status == "cancelled"


def test_a_killed_serve_leaves_nothing_either(folder: Path):
    with serving(folder) as program:
        said = until_served(program, folder)
        with Cutroom(said["base_url"], said["api_key"]) as cutroom:
            asset = cutroom.upload(SAMPLE)
            source = {"source": {"asset_id": asset.asset_id}}
            cutroom.submit("export.framing", source | FRAMING)
            until(program, lambda: bool(workers(program)))
        family = program.family()
        program.tell(signal.SIGKILL)
        program.ended()
    assert still_alive(family) == []
