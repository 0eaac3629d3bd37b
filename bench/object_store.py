"""A large presigned PUT into the local object store: memory, and speed beside rclone."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from bench.figures import CannotRun, Figure, Measurement
from bench.gateway_process import Secrets
from bench.paired import Cost, interleaved
from bench.store_server import BUCKET, KEY_ID, SECRET
from bench.talk import talking
from bench.workplace import Workplace

MB = 1_000_000
TIMEOUT_S = 120
START_S = 20.0
_BLOCK_BYTES = 2**18


@dataclass(frozen=True, slots=True)
class Store:
    """A store that answers, and the key that opens it."""

    url: str
    pid: int
    known: Secrets

    def put(self, path: Path, key: str) -> Cost:
        """PUT a file by a presigned URL; the wall's time alone is known."""
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=self.known.store_key_id,
            aws_secret_access_key=self.known.store_secret,
            region_name="us-east-1",
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )
        signed = client.generate_presigned_url(
            "put_object", Params={"Bucket": BUCKET, "Key": key}, ExpiresIn=600
        )
        parts = urlsplit(signed)
        connection = HTTPConnection(parts.netloc, timeout=TIMEOUT_S, blocksize=_BLOCK_BYTES)
        with closing(connection), path.open("rb") as body:
            begun_at = time.perf_counter()
            connection.request(
                "PUT",
                f"{parts.path}?{parts.query}",
                body,
                {"Content-Length": str(path.stat().st_size)},
            )
            answer = connection.getresponse()
            said = answer.read()
            wall_s = time.perf_counter() - begun_at
        if answer.status != 200:
            raise RuntimeError(f"the store answered {answer.status}: {said[:500]!r}")
        return Cost(wall_s, float("nan"))


def put_memory(place: Workplace) -> Mapping[str, float]:
    """How far the store's memory rises while it takes a large body; the worst round's."""
    big, small = _body(place, place.effort.put_mb), _body(place, 1)
    extra_bytes = []
    with _ours(place) as store:
        for number in range(place.effort.rounds + 1):
            store.put(small, f"warm-{number}")
            before_bytes = _memory_bytes(store.pid, "VmRSS")
            _forget_peak(store.pid)
            store.put(big, f"big-{number}")
            extra_bytes.append(_memory_bytes(store.pid, "VmHWM") - before_bytes)
    return {"store_put_extra_mb": max(extra_bytes) / MB}


def put_speed(place: Workplace) -> Mapping[str, float]:
    """Speed over rclone's with the same body by the same client."""
    rclone = shutil.which("rclone")
    if rclone is None:
        raise CannotRun("rclone is not installed")
    big = _body(place, place.effort.put_mb)
    with _ours(place) as ours, _rclone(place, rclone) as theirs:
        best = interleaved(
            {
                "ours": partial(ours.put, big, "big"),
                "rclone": partial(theirs.put, big, "big"),
            },
            place.effort.rounds * 2,
        )
    return {"store_put_vs_rclone": best["rclone"].wall_s / best["ours"].wall_s}


@contextmanager
def _ours(place: Workplace) -> Iterator[Store]:
    known = Secrets.fresh()
    env = {**os.environ, KEY_ID: known.store_key_id, SECRET: known.store_secret}
    with talking(place, "bench.store_server", str(place.room("store")), env=env) as talk:
        yield Store(f"http://127.0.0.1:{talk.hear()['port']}", talk.pid, known)


@contextmanager
def _rclone(place: Workplace, rclone: str) -> Iterator[Store]:
    known, root = Secrets.fresh(), place.room("rclone")
    (root / BUCKET).mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [rclone, "serve", "s3", "--config", os.devnull, "--addr", f"127.0.0.1:{port}"]
    key = f"{known.store_key_id},{known.store_secret}"
    with subprocess.Popen(
        [*command, "--auth-key", key, str(root)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _wait_for(port)
            yield Store(f"http://127.0.0.1:{port}", process.pid, known)
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    give_up_at = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)
        else:
            return


def _body(place: Workplace, size_mb: int) -> Path:
    """A file that no store could make smaller."""
    path = place.room("body") / f"{size_mb}-mb"
    with path.open("wb") as file:
        for _ in range(size_mb):
            file.write(os.urandom(MB))
    return path


def _memory_bytes(pid: int, what: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{what}:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"the kernel does not say {what} of {pid}")
    return int(found[1]) * 1024


def _forget_peak(pid: int) -> None:
    """Let VmHWM begin anew: 5 to clear_refs, proc_pid_clear_refs(5)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


MEASUREMENTS = (
    Measurement((Figure("store_put_extra_mb", "MB", 5),), put_memory),
    Measurement((Figure("store_put_vs_rclone", "×", 1.5, at_least=True),), put_speed),
)
