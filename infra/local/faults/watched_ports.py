"""The gateway's ports with failpoints around every call: before it, and after it was done."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

from gateway.ports.effect_queue import Lease
from gateway.ports.job_store import Change
from gateway.wiring_ports import Ports
from infra.local.faults.failpoints import Failpoints

# Not ports: what is handed over beside them.
NO_PORTS = frozenset(
    {"calls", "clock", "close", "database_answers", "new_id", "signer", "writes"}
)

Labels = Callable[[Sequence[Any], Any], list[str]]


class Watched:
    """A port whose calls pass failpoints; for everything else it is the port itself."""

    def __init__(self, port: Any, name: str, points: Failpoints) -> None:
        self._port = port
        self._name = name
        self._points = points

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._port, attribute)
        return self._around(attribute, found) if inspect.iscoroutinefunction(found) else found

    def _around(self, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        point = f"{self._name}.{method}"

        @functools.wraps(call)
        async def passing(*args: Any, **named: Any) -> Any:
            await self._points.passed(point, labels_of(point, args, None), "before")
            answer = await call(*args, **named)
            await self._points.passed(point, labels_of(point, args, answer), "after")
            return answer

        return passing


def port_names() -> list[str]:
    """Return the names of the gateway's ports, in order."""
    return [each.name for each in fields(Ports) if each.name not in NO_PORTS]


def watched(ports: Ports, points: Failpoints) -> Ports:
    """Return the same ports, all of whose calls pass failpoints."""
    made: dict[str, Any] = {
        name: Watched(getattr(ports, name), name, points) for name in port_names()
    }
    return replace(ports, **made)


def labels_of(point: str, args: Sequence[Any], answer: Any) -> list[str]:
    """Return what a call is about, where one method does more than one thing."""
    labels = _LABELS.get(point)
    return labels(args, answer) if labels else []


def _change(args: Sequence[Any], _answer: Any) -> list[str]:
    """The op's own word; where the change ends the job or its attempt, how."""
    change: Change = args[0]
    word = change.op.partition(":")[0]
    if change.after.status is not change.before.status:
        return [word, f"{word}:{change.after.status.value}"]
    return [word]


def _leased(_args: Sequence[Any], answer: Any) -> list[str]:
    leases: Sequence[Lease] = answer or ()
    return sorted({each.effect.kind.value for each in leases})


def _lease(args: Sequence[Any], _answer: Any) -> list[str]:
    lease: Lease = args[0]
    return [lease.effect.kind.value]


def _key(args: Sequence[Any], _answer: Any) -> list[str]:
    """What lies under an object key: an attempt's output, or something uploaded."""
    return ["output" if str(args[0]).startswith("output/") else "upload"]


_LABELS: dict[str, Labels] = {
    "jobs.commit": _change,
    "effects.lease": _leased,
    "effects.done": _lease,
    "effects.put_off": _lease,
    "objects.head": _key,
    "objects.read_range": _key,
    "objects.delete": _key,
}
