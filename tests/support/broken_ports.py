"""Ports of a gateway that breaks its promises: to see that this is noticed.

A gateway for faults takes one of these by name, see `infra/local/faults/gateway_app.py`.
"""

from dataclasses import replace
from typing import Any

from gateway.ports.job_store import NewJob
from gateway.ports.object_store import StoredObject
from gateway.wiring_ports import Ports
from infra.local.faults.customer import VIDEO


class _Other:
    """A port that is another one but for some of its methods."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


class _Forgetful(_Other):
    async def create(self, _new: NewJob) -> int:
        """Say that the job is kept."""
        return 0


class _Credulous(_Other):
    async def head(self, key: str) -> StoredObject | None:
        """Find everything there, of the size that it should have."""
        return await self._port.head(key) or StoredObject(key, len(VIDEO), "e", "video/mp4")


class _Thrifty(_Other):
    async def settle(self, *_: Any) -> None:
        """Charge for nothing."""


def forgets_jobs(ports: Ports) -> Ports:
    """Return a gateway's ports that drop each job they accept."""
    return replace(ports, jobs=_Forgetful(ports.jobs))


def believes_workers(ports: Ports) -> Ports:
    """Return a gateway's ports that see every output, put or not."""
    return replace(ports, objects=_Credulous(ports.objects))


def charges_nobody(ports: Ports) -> Ports:
    """Return a gateway's ports that never settle an attempt."""
    return replace(ports, attempts=_Thrifty(ports.attempts))
