"""`cutroom serve`: what it announces is true, and nothing outlives it."""

import asyncio
import json
import re
import signal
import socket
import ssl
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect

from client import ApiProblem, Cutroom
from tests.support.programs import SAMPLE, Program, running, still_alive, until, until_served
from tests.support.serving import client_here
from tests.support.watchers import as_socket

pytestmark = pytest.mark.processes

# A signature, a worker's token, a ticket.
SECRET = re.compile(
    r"X-Amz-Signature=[0-9a-f]{8}|\bw[sa]_\d+\.[a-z2-7]{20}|\bt[ju]_[\w-]+\.\d+\."
)
# Through no proxy, and trusting nobody: to read of all authorities takes 40 ms each time.
HERE: Any = {
    "timeout": 10,
    "trust_env": False,
    "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
}
PAGE = "http://localhost:3001"
FRAMING = {"crop_keyframes": None, "output_width": 1080, "output_height": 1920}
SMALL = {"crop_keyframes": None, "output_width": 180, "output_height": 320}


@pytest.fixture(scope="module")
def new_folder(
    tmp_path_factory: pytest.TempPathFactory, kernel_cache: Path
) -> Callable[[], Path]:
    """Make empty folders, but for kernels that need not be compiled again."""

    def make() -> Path:
        made = tmp_path_factory.mktemp("served")
        (made / "build").mkdir()
        (made / "build/kernels").symlink_to(kernel_cache)
        return made

    return make


@pytest.fixture
def folder(new_folder: Callable[[], Path]) -> Path:
    return new_folder()


def serving(folder: Path, name: str = "serve.out", *more: str) -> Any:
    return running(folder / name, folder, "serve", "--workers", "1", *more)


def workers(program: Program) -> list[psutil.Process]:
    return [each for each in program.family() if "gpu_worker.handler" in each.cmdline()]


@dataclass(frozen=True, slots=True)
class Life:
    """What was seen of `cutroom serve` from its announcement to its end, in one folder.

    `ready`: what `/readyz` said at first, and after two more stacks were tried, in the same
    folder and on the same data. `pages`: what pages of other origins were allowed. `secrets`:
    what was shown to who asked, and what was kept. `ends`: what watchers by ticket heard last.
    """

    folder: Path
    program: Program
    announced: dict[str, Any]
    mode: int
    ready: list[int]
    in_the_same_folder: tuple[int, str]
    on_the_same_data: tuple[int, str]
    was_announced_still: bool
    pages: list[bool]
    secrets: list[str]
    ends: set[str]
    family: list[psutil.Process]
    survivors: list[psutil.Process]
    status: int


@pytest.fixture(scope="module")
def life(new_folder: Callable[[], Path]) -> Life:
    """Serve, try what others may and may not, export, and stop."""
    folder, elsewhere = new_folder(), new_folder()
    file = folder / "build/serve.json"
    origins = f"{PAGE}, https://app.example.com/"
    with serving(folder, "serve.out", "--origins", origins) as program:
        said = until_served(program, folder)
        mode = stat.S_IMODE(file.stat().st_mode)
        ready = [is_ready(said)]
        same_folder = refused(folder)
        same_data = refused(elsewhere, "--data", str(folder / "build/serve"))
        ready.append(is_ready(said))
        announced_still = file.exists()
        pages = pages_allowed(said)
        secrets, ends = exported(said)
        family = program.family()
        program.tell(signal.SIGTERM)
        status = program.ended()
    kept = json.loads((folder / "build/serve/credentials.json").read_text())
    return Life(
        folder=folder,
        program=program,
        announced=said,
        mode=mode,
        ready=ready,
        in_the_same_folder=same_folder,
        on_the_same_data=same_data,
        was_announced_still=announced_still,
        pages=pages,
        secrets=[*kept.values(), *secrets],
        ends=ends,
        family=family,
        survivors=still_alive(family),
        status=status,
    )


def is_ready(said: dict[str, Any]) -> int:
    return httpx.get(f"{said['base_url']}/readyz", **HERE).status_code


def refused(folder: Path, *more: str) -> tuple[int, str]:
    """Return how a further stack ended that must not run, and what it said."""
    with serving(folder, "refused.out", *more) as second:
        return second.ended(), second.said


def test_serve_announces_itself_once_all_answers_and_a_stop_leaves_nothing(life: Life):
    said = life.announced
    status, words = life.in_the_same_folder
    assert life.ready == [200, 200]
    assert (said["pid"], life.mode) == (life.program.pid, 0o600)
    assert said["api_key"] not in Path(said["log"]).read_text()
    assert len(life.family) >= 2
    assert status == 1
    assert "runs in this folder already" in words
    assert life.was_announced_still
    assert life.status == 0
    assert life.survivors == []
    assert not (life.folder / "build/serve.json").exists()
    assert said["api_key"] not in life.program.said


def allowed(url: str, origin: str, method: str, *headers: str) -> bool:
    """Ask as a browser does before a page of another origin may."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": ", ".join(headers),
    }
    answer = httpx.options(url, headers=asked, **HERE)
    return answer.headers.get("access-control-allow-origin") == origin and answer.is_success


def pages_allowed(said: dict[str, Any]) -> list[bool]:
    """Ask for two named pages, and for one that nobody named."""
    key = {"X-API-Key": said["api_key"]}
    upload_url = f"{said['base_url']}/api/videos/upload-url"
    promise = httpx.post(upload_url, json={"filename": "a.mp4"}, headers=key, **HERE).json()
    job_url, put_url = f"{said['base_url']}/api/jobs", promise["upload_url"]
    return [
        allowed(job_url, PAGE, "POST", "authorization", "content-type", "idempotency-key"),
        allowed(put_url, PAGE, "PUT", *promise["headers"]),
        allowed(put_url, "https://app.example.com", "PUT", "content-type"),
        allowed(job_url, "https://example.org", "POST"),
        allowed(put_url, "https://example.org", "PUT"),
    ]


def test_named_pages_may_call_the_gateway_and_put_into_the_store(life: Life):
    assert life.pages == [True, True, True, False, False]


def test_a_port_that_is_taken_is_said_to_be(folder: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with running(folder / "serve.out", folder, "serve", "--port", port) as program:
            status = program.ended()
    assert status == 1
    assert f"error: port {port} of 127.0.0.1 is taken" in program.said
    assert "Traceback" not in program.said
    assert not (folder / "build/serve.json").exists()


def test_another_stack_on_the_same_data_is_refused(life: Life):
    status, words = life.on_the_same_data
    assert status == 1
    assert "another stack runs in" in words
    assert life.ready == [200, 200]


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
    async with client_here(base_url=base_url) as http:
        issued = await http.post(f"/v1/jobs/{job_id}/ticket", headers=headers)
        ticket = issued.raise_for_status().json()["ticket"]
        live = f"{as_socket(base_url)}/v1/jobs/{job_id}/live?ticket={ticket}"
        async with connect(live, proxy=None) as websocket:
            sent = [json.loads(message) async for message in websocket]
        path = f"/v1/jobs/{job_id}/events?ticket={ticket}"
        streamed = await http.get(path, headers={"Accept": "text/event-stream"})
    last = streamed.text.rpartition("event: ")[2].partition("\n")[0]
    return ticket, {sent[-1]["type"], last}


def exported(said: dict[str, Any]) -> tuple[list[str], set[str]]:
    """Export and watch; return the secrets that were shown, and what watchers heard last."""
    key = {"X-API-Key": said["api_key"], "X-Request-ID": "trace-of-mine"}
    asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 9}
    promise = httpx.post(
        f"{said['base_url']}/v1/uploads", json=asked, headers=key, **HERE
    ).json()
    with Cutroom(said["base_url"], said["api_key"]) as cutroom:
        asset = cutroom.upload(SAMPLE)
        source = {"source": {"asset_id": asset.asset_id}, "end_time": 1}
        submitted = cutroom.submit("export.framing", source | SMALL)
        ticket, ends = asyncio.run(watched_by_ticket(said, submitted.id))
        job = cutroom.job(submitted.id)
    shown = [promise["url"].partition("?")[2], job.output("video").url.partition("?")[2]]
    return [promise["ticket"], ticket, *shown], ends


def test_no_log_holds_a_secret_and_each_request_can_be_found_by_its_id(life: Life):
    """D142, on what `make serve` leaves: under its data folder, workers' files too."""
    written = all_logs(life.folder)
    assert life.ends == {"succeeded"}
    assert "trace-of-mine" in Path(life.announced["log"]).read_text()
    assert len(life.secrets) > 4
    assert all(len(secret) > 20 for secret in life.secrets)
    assert [secret for secret in life.secrets if secret in written] == []
    assert [secret for secret in life.secrets if secret in life.program.said] == []
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
