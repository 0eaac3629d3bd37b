"""What a caller asks for: checked against its kind, and named for its idempotency key."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from gateway.core.budgets import micro_usd
from gateway.core.idempotency import IdempotencyKey, binding
from gateway.core.job import LONGEST_LIFE
from shared.errors import FieldError, ValidationFailed
from shared.job_kind import JobKind, Wire
from shared.numbers import Usd

LONGEST_DEADLINE_S = int(LONGEST_LIFE.total_seconds())
ROUTE = "POST /v1/jobs"
# Members of an input, theirs included. Ten thousand keyframes take 0.2 s to check.
CHECKED_AT_ONCE = 200


class JobRequest(Wire):
    """What a caller asks for: a kind, by its dotted name, and that kind's input."""

    kind: str = Field(max_length=128)
    input: dict[str, Any]
    labels: dict[str, str] = Field(default_factory=dict)
    deadline_s: int | None = Field(None, ge=1, le=LONGEST_DEADLINE_S, strict=True)
    max_cost_usd: Usd | None = Field(
        None,
        description="What the job may cost at most, further attempts included, in dollars.",
    )
    webhook: bool = Field(
        default=True,
        strict=True,
        description="Whether the job's end is told to your webhook endpoints.",
    )
    dry_run: bool = Field(default=False, strict=True)
    reuse: bool = Field(
        default=False,
        strict=True,
        description="Take what an earlier job of yours made of the very same, if it is there.",
    )

    @property
    def max_cost_micro_usd(self) -> int | None:
        """The same in what the ledger counts in."""
        return None if self.max_cost_usd is None else micro_usd(self.max_cost_usd)


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Finds the kind of a request and reads its input as that kind's; writes nothing."""

    kinds: Mapping[str, JobKind[Any, Any]]
    labels_limit: int

    async def __call__(self, asked: JobRequest) -> tuple[JobKind[Any, Any], Wire]:
        """Return the kind and the input; raises `ValidationFailed` with the fields."""
        kind = self.kinds.get(asked.kind)
        if kind is None:
            raise ValidationFailed(
                [FieldError.at(("kind",), "there is no such kind of job")], code="unknown_kind"
            )
        self._check_labels(asked.labels)
        if _holds_more_than(CHECKED_AT_ONCE, asked.input):
            # It holds up nobody else; what is short is checked before a thread has begun.
            return kind, await asyncio.to_thread(kind.parse_input, asked.input)
        return kind, kind.parse_input(asked.input)

    async def binding(self, asked: JobRequest, key: str | None) -> IdempotencyKey | None:
        """Return what the key names on `POST /v1/jobs`; raises `ValidationFailed`."""
        if key is None:
            return None
        kind, job_input = await self(asked)
        canonical = {
            "kind": kind.name,
            "input": job_input.model_dump(mode="json"),
            "labels": asked.labels,
            "deadline_s": asked.deadline_s or kind.deadline_s,
        }
        if asked.reuse:  # left out else, as it was before there was such a field
            canonical["reuse"] = True
        if asked.max_cost_micro_usd is not None:  # as above
            canonical["max_cost_micro_usd"] = asked.max_cost_micro_usd
        if not asked.webhook:  # as above
            canonical["webhook"] = False
        return binding(ROUTE, key, canonical)

    def _check_labels(self, labels: Mapping[str, str]) -> None:
        if len(labels) > self.labels_limit:
            raise ValidationFailed(
                [FieldError.at(("labels",), f"at most {self.labels_limit} labels are taken")]
            )
        wrong = [
            FieldError.at(("labels", name), "a label's name and value have 1 to 64 characters")
            for name, value in labels.items()
            if not (1 <= len(name) <= 64 and 1 <= len(value) <= 64)
        ]
        if wrong:
            raise ValidationFailed(wrong)


def _holds_more_than(most: int, value: object) -> bool:
    """True where there are more members in it than that, at all depths; looks at no more."""
    left, unseen = most, [value]
    while unseen:
        each = unseen.pop()
        members = list(each.values()) if isinstance(each, dict) else each
        if isinstance(members, list):
            left -= len(members)
            if left < 0:
                return True
            unseen.extend(members)
    return False
