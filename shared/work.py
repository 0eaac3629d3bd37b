"""The worker protocol: claim, work order, outputs, reports. See `docs/architecture.md`.

What the gateway sends may grow, so the worker ignores fields it does not know (`Answer`);
what the worker sends is hostile until checked, so the gateway refuses them (`Wire`).
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter
from pydantic_core import to_json

from shared.artifacts import Output
from shared.job_kind import UNTAGGED, Wire
from shared.numbers import LARGEST_WHOLE, Number

# A checkpoint rests in the job's row, a probe in its asset's, a result in each answer and in
# the last event: what is larger than this is a file.
MOST_CHECKPOINT_BYTES = 64 * 1024
MOST_PROBE_BYTES = 64 * 1024
MOST_RESULT_BYTES = 256 * 1024
MOST_MEMORY_MB = 2**30


def _at_most(most_bytes: int) -> AfterValidator:
    def bounded(value: dict[str, Any]) -> dict[str, Any]:
        if len(to_json(value)) > most_bytes:
            raise ValueError(f"may have {most_bytes} bytes of JSON at most")
        return value

    return AfterValidator(bounded)


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Fraction01 = Annotated[Number, Field(ge=0, le=1)]
Stage = Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
# Of a fence and of a report: from 1 on.
Ordinal = Annotated[int, Field(strict=True, ge=1, le=LARGEST_WHOLE)]

MANIFEST = "manifest"
HEARTBEAT_S = 3
REPORT_EVERY_S = 1


class Answer(Wire):
    """What the gateway says: a newer one may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Submission(Answer):
    """All that rests in RunPod's store: no input, no URL of a file, no key."""

    v: Literal[1] = 1
    job_id: Id
    submission: Id
    claim_url: str
    token: str


class WorkerFacts(Wire):
    """Which worker claims, for prices and for finding it again."""

    id: str = Field(max_length=128)
    gpu: str | None = Field(None, max_length=128)
    cores: int = Field(strict=True, ge=1, le=4096)
    memory_mb: int = Field(strict=True, ge=1, le=MOST_MEMORY_MB)
    version: str = Field(max_length=64)


class Claim(Wire):
    """A worker asks for the work of a job; the nonce makes its repeated claim one attempt."""

    nonce: Id
    runpod_job_id: str = Field(max_length=128)
    worker: WorkerFacts


class InputFile(Answer):
    """A presigned GET of one input, with what must arrive."""

    name: str
    url: str
    headers: dict[str, str] = {}
    size_bytes: int
    etag: str
    content_type: str


class WorkOrder(Answer):
    """The answer to a claim: everything one attempt needs; `fence` numbers the attempt."""

    fence: int
    token: str
    kind: str
    kind_version: int
    input: dict[str, Any]
    files: list[InputFile] = []
    checkpoint: dict[str, Any] | None = None
    hints: list[dict[str, Any]] = []
    routes: list[dict[str, Any]] = []  # the router's ordered choice; empty for media kinds
    deadline_at: datetime
    heartbeat_s: float = HEARTBEAT_S
    report_every_s: float = REPORT_EVERY_S
    limits: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    trace: str = ""


class OutputsRequest(Wire):
    """Ask for PUT URLs once type, size and hash are known."""

    fence: Ordinal
    items: Annotated[list[Output], Field(min_length=1, max_length=64, fail_fast=True)]


class Put(Answer):
    """A presigned PUT of one output; every header is signed and must be sent as given."""

    name: str
    key: str
    url: str
    headers: dict[str, str]


class Puts(Answer):
    """The answer to `OutputsRequest`, in its order."""

    puts: list[Put]


class _Report(Wire):
    fence: Ordinal
    report_no: Ordinal


class Heartbeat(_Report):
    """The attempt lives."""

    type: Literal["heartbeat"] = "heartbeat"


class Progress(_Report):
    """Where the attempt is; `progress` counts the whole job, 0 to 1, and never goes back."""

    type: Literal["progress"] = "progress"
    stage: Stage
    progress: Fraction01


class Probe(_Report):
    """What the worker saw of an input: its hash and what a decoder says of it."""

    type: Literal["probe"] = "probe"
    asset: str = Field(max_length=128)  # the file's name in the work order
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    probe: Annotated[dict[str, Any], _at_most(MOST_PROBE_BYTES)]


class Notice(Wire):
    """Something the person should know; the job goes on."""

    code: str = Field(pattern=r"^[a-z_]{1,64}$")
    message: str = Field(max_length=500)


class WarningReport(_Report):
    """A notice, once."""

    type: Literal["warning"] = "warning"
    warning: Notice


class Checkpoint(_Report):
    """What the next attempt is to find; never coalesced, acknowledged before the next step."""

    type: Literal["checkpoint"] = "checkpoint"
    data: Annotated[dict[str, Any], _at_most(MOST_CHECKPOINT_BYTES)]


class Failure(Wire):
    """Why an attempt ended badly."""

    code: str = Field(pattern=r"^[a-z_]{1,64}$")
    message: str = Field(max_length=500)
    stage: Stage | None = None


class Usage(Wire):
    """What the attempt used, as the worker measured it."""

    run_s: Number = Field(ge=0)
    render_s: Number | None = Field(None, ge=0)
    frames: int | None = Field(None, strict=True, ge=0, le=LARGEST_WHOLE)
    peak_memory_bytes: int | None = Field(None, strict=True, ge=0, le=LARGEST_WHOLE)


class Final(_Report):
    """The last word of an attempt; also what its `manifest` object holds.

    The worker never decides that a job is cancelled or timed out: it says `stopped`.
    """

    type: Literal["final"] = "final"
    outcome: Literal["succeeded", "failed", "stopped"]
    result: Annotated[dict[str, Any], _at_most(MOST_RESULT_BYTES)] | None = None
    outputs: Annotated[list[Output], Field(max_length=64, fail_fast=True)] = []
    error: Failure | None = None
    usage: Usage | None = None


AnyReport = Annotated[
    Heartbeat | Progress | Probe | WarningReport | Checkpoint | Final,
    Field(discriminator="type"),
    UNTAGGED,
]
REPORT: TypeAdapter[Heartbeat | Progress | Probe | WarningReport | Checkpoint | Final] = (
    TypeAdapter(AnyReport)
)


class ReportAnswer(Answer):
    """What a worker learns from each report: whether to stop, and until when it may go on."""

    cancel: bool = False
    hints: list[dict[str, Any]] = []
    deadline_at: datetime | None = None


class Stop(Answer):
    """The body of 409: this worker has no say in this job, and touches nothing more."""

    stop: Literal[True] = True
