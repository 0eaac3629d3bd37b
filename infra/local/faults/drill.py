"""The kind of job that faults are played with: copies its input backwards, or as it is told."""

from typing import Any, Literal

from shared.artifacts import FileRef
from shared.job_kind import JobKind, PriceRule, Wire

Conduct = Literal["copies", "grows", "fills", "stalls", "breaks"]


class CopyInput(Wire):
    """What to copy, and how it goes.

    `seconds`: how long the work takes. `limit_s`: how long an attempt may take. `pad`: weight
    in the database, and nothing else.
    """

    source: FileRef
    conduct: Conduct = "copies"
    seconds: float = 0.0
    limit_s: float = 30.0
    pad: str = ""


class CopyOutput(Wire):
    """How much was copied."""

    size_bytes: int


def copied(data: bytes) -> bytes:
    """Return what a copy of these bytes is."""
    return data[::-1]


KIND: JobKind[Any, Any] = JobKind(
    name="drill.copy",
    version=1,
    description="Copies its input backwards.",
    input=CopyInput,
    output=CopyOutput,
    outputs={"video": "video/mp4"},
    stages=("prepare", "work", "upload", "persist"),
    compute="gpu",
    price=PriceRule(lambda job_input, _: job_input.limit_s, lambda *_: 1.0, "flat"),
    deadline_s=600,
)
