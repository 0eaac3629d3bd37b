"""What the platform remembers: jobs, and the pods that hold them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from infra.local.runpod import facts


class Status(StrEnum):
    """RunPod's words for where a job stands."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"


FINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.TIMED_OUT})


class BadBody(Exception):
    """A body that RunPod answers with 400; the text says why."""


@dataclass(frozen=True, slots=True)
class RunBody:
    """What `/run` was asked, checked."""

    input: dict[str, Any]
    webhook: str | None = None
    execution_timeout_s: float = facts.DEFAULT_RUN_S
    ttl_s: float = facts.DEFAULT_TTL_S
    low_priority: bool = False


def parse_run_body(raw: bytes) -> RunBody:
    """Return a checked body of `/run` or `/runsync`. Raises `BadBody`."""
    body = parse_object(raw)
    given = body.get("input")
    policy = body.get("policy") or {}
    webhook = body.get("webhook")
    if not isinstance(given, dict):
        raise BadBody("input must be an object")
    if not isinstance(policy, dict) or not isinstance(webhook, str | None):
        raise BadBody("policy must be an object and webhook a string")
    return RunBody(
        given,
        webhook,
        _duration_s(policy, "executionTimeout", facts.SHORTEST_RUN_S, facts.DEFAULT_RUN_S),
        _duration_s(policy, "ttl", facts.SHORTEST_TTL_S, facts.DEFAULT_TTL_S),
        policy.get("lowPriority") is True,
    )


def parse_object(raw: bytes) -> dict[str, Any]:
    """Return a JSON object; NaN is no JSON. Raises `BadBody`."""
    try:
        body = json.loads(raw, parse_constant=_refuse_constant)
    except ValueError as error:
        raise BadBody("the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadBody("the body is not an object")
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _duration_s(
    policy: Mapping[str, Any], name: str, shortest_s: float, default_s: float
) -> float:
    given_ms = policy.get(name)
    if given_ms is None:
        return default_s
    if not isinstance(given_ms, int) or isinstance(given_ms, bool):
        raise BadBody(f"policy.{name} must be whole milliseconds")
    if not shortest_s <= given_ms / 1000 <= facts.LONGEST_S:
        raise BadBody(f"policy.{name} is out of bounds")
    return given_ms / 1000


@dataclass(slots=True)
class Job:
    """One job; `holders` are the pods it was delivered to that have not answered.

    `status_before` is what a stale answer says. `retried` counts deliveries that died.
    """

    id: str
    asked: RunBody
    submitted_at: float
    keep_result_s: float
    status: Status = Status.IN_QUEUE
    status_before: Status = Status.IN_QUEUE
    delivered_at: float | None = None
    finished_at: float | None = None
    pod_id: str | None = None
    holders: set[str] = field(default_factory=set)
    result: dict[str, Any] = field(default_factory=dict)
    chunks: list[Any] = field(default_factory=list)
    retried: int = 0

    @property
    def is_final(self) -> bool:
        """True once nothing but a knob changes the job."""
        return self.status in FINAL

    @property
    def names(self) -> tuple[str, ...]:
        """Return what a fault may call it: RunPod's id, and the id in its input."""
        ours = self.asked.input.get("job_id")
        return (self.id, ours) if isinstance(ours, str) else (self.id,)

    def view(self) -> dict[str, Any]:
        """Return the body of `/status`; times in milliseconds."""
        body: dict[str, Any] = {"id": self.id, "status": self.status.value}
        if self.delivered_at is not None:
            body["delayTime"] = round((self.delivered_at - self.submitted_at) * 1000)
            body["workerId"] = self.pod_id
            if self.finished_at is not None:
                body["executionTime"] = round((self.finished_at - self.delivered_at) * 1000)
        return body | self.result

    def move(self, status: Status) -> None:
        """Change the status, remembering the one before."""
        self.status_before, self.status = self.status, status


@dataclass(slots=True)
class Stop:
    """A word to a pod that it should end a job: how often it is still sent, and when."""

    job_id: str
    sends_left: int
    due_at: float


@dataclass(slots=True)
class Pod:
    """One worker as the platform sees it: what it holds, and when it was last heard.

    `retiring`: it gets no more jobs and is about to be told to end. `kill_at`: when its
    process is to be killed; not if it lets go of the job `kill_for` before, where there is
    one. `poll`: its one open take.
    """

    id: str
    started_at: float
    heard_at: float
    jobs: set[str] = field(default_factory=set)
    stops: list[Stop] = field(default_factory=list)
    took_at: float | None = None
    idle_since: float | None = None
    kill_at: float | None = None
    kill_for: str | None = None
    retiring: bool = False
    poll: object | None = None
