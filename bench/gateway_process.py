"""A gateway of one mode for as long as a block lasts, and what CPU time it has used."""

import os
import secrets
from base64 import b32encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psutil

from bench.figures import CannotRun
from bench.gateway_server import Mode
from bench.talk import talking
from bench.workplace import Workplace

ENDPOINT = "bench-gpu"
BUCKET = "cutroom"
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a gateway and those who speak to it know; made up for one run."""

    api_key: str = field(repr=False)
    token_secret: str = field(repr=False)
    store_key_id: str = field(repr=False)
    store_secret: str = field(repr=False)

    @classmethod
    def fresh(cls) -> "Secrets":
        """Make some up."""
        name, secret = (
            b32encode(secrets.token_bytes(size)).decode().rstrip("=").lower()
            for size in (10, 32)
        )
        return cls(f"ck_{name}_{secret}", *(secrets.token_hex(32) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class GatewayProcess:
    """One that answers; `cpu_s` is all it has used so far."""

    base_url: str
    pid: int

    def cpu_s(self) -> float:
        """CPU time of all its threads."""
        used = psutil.Process(self.pid).cpu_times()
        return used.user + used.system


def environment(
    known: Secrets, database: Path, *, runpod_url: str = NOWHERE, store_url: str = NOWHERE
) -> dict[str, str]:
    """Return the settings of a gateway, and nothing of this process's own but its path."""
    return {
        "PATH": os.environ["PATH"],
        "CUTROOM_ENVIRONMENT": "development",
        "CUTROOM_DATABASE_PATH": str(database),
        "CUTROOM_PUBLIC_BASE_URL": NOWHERE,
        "CUTROOM_TOKEN_SECRET": known.token_secret,
        "CUTROOM_API_KEYS": known.api_key,
        "CUTROOM_STORE_ENDPOINT_URL": store_url,
        "CUTROOM_STORE_BUCKET": BUCKET,
        "CUTROOM_STORE_ACCESS_KEY_ID": known.store_key_id,
        "CUTROOM_STORE_SECRET_ACCESS_KEY": known.store_secret,
        "CUTROOM_RUNPOD_BASE_URL": f"{runpod_url}/v2",
        "CUTROOM_RUNPOD_API_KEY": "bench",
        "CUTROOM_RUNPOD_GPU_ENDPOINT": ENDPOINT,
        "CUTROOM_RUNPOD_GPU_SLOTS": "1000",
        "CUTROOM_LIMITS_OPEN_JOBS_PER_TENANT": "10000000",
        "CUTROOM_LIMITS_WATCHERS_PER_TENANT": "10000",
        "CUTROOM_LIMITS_REQUESTS_PER_S": "1000000",
        "CUTROOM_LIMITS_REQUESTS_BURST": "1000000",
    }


@contextmanager
def gateway(place: Workplace, mode: Mode, env: Mapping[str, str]) -> Iterator[GatewayProcess]:
    """Start one and wait until it listens; end it afterwards."""
    with talking(place, "bench.gateway_server", mode, env=env) as talk:
        port = talk.hear()["port"]
        yield GatewayProcess(f"http://127.0.0.1:{port}", talk.pid)


@contextmanager
def peer(place: Workplace, env: Mapping[str, str]) -> Iterator[GatewayProcess]:
    """Start what takes jobs by way of SQLAlchemy. Raises `CannotRun` where that is not."""
    if find_spec("sqlalchemy") is None:
        raise CannotRun("the peer SQLAlchemy is not installed")
    with talking(place, "bench.sqlalchemy_server", env=env) as talk:
        port = talk.hear()["port"]
        yield GatewayProcess(f"http://127.0.0.1:{port}", talk.pid)
