"""What answers of `/v1` look like. They describe; no answer is built or checked by them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from gateway.core.job import Status, WaitingFor
from gateway.core.upload import UploadStatus
from gateway.ports.budgets import UsageBy
from shared.errors import Who
from shared.job_kind import Compute

Money = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]{4,}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def absent(says: str, **more: Any) -> Any:
    """A field that is left out where it does not apply, and is never null."""
    return Field(default=None, description=says, json_schema_extra=_without_null, **more)


def _without_null(schema: dict[str, Any]) -> None:
    del schema["default"]
    inner = next(each for each in schema.pop("anyOf") if each != {"type": "null"})
    schema.update(inner)


class FieldProblem(BaseModel):
    """One field that was refused."""

    field: str = Field(description="Its dotted path as you wrote it: `input.ratio.0`.")
    message: str = Field(description="Why, in words for a developer.")


class Problem(BaseModel):
    """An error of `/v1`, as RFC 9457 has it."""

    type: str = Field(description="`urn:cutroom:problem:` and the code.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status again.")
    detail: str = Field(description="A sentence that may be shown to people.")
    code: str = Field(description="What to switch on; stable.")
    request_id: str = Field(description="The `X-Request-ID` of the answer.")
    errors: list[FieldProblem] = Field(description="The refused fields; else empty.")


class ProductError(BaseModel):
    """An error of a product's own surface."""

    detail: str = Field(description="A sentence that may be shown to people.")
    code: str = Field(description="What to switch on; stable.")
    request_id: str = Field(description="The `X-Request-ID` of the answer.")
    errors: list[FieldProblem] | None = absent("The refused fields; only where there are any.")


class JobWarning(BaseModel):
    """Something the person should know that did not stop the job."""

    code: str
    message: str


class JobFailure(BaseModel):
    """Why a job failed."""

    code: str = Field(description="A code of the table of failures.")
    message: str = Field(description="A sentence that may be shown to people.")
    stage: str | None = Field(description="The stage it failed in.")
    retryable: bool = Field(description="May the same job succeed when tried again?")
    who: Who = Field(description="Whose move is next.")


class StoredOutput(BaseModel):
    """A file a succeeded job made, as events carry it."""

    name: str = Field(description="Its name in the kind's list.")
    key: str = Field(description="Its key in the bucket.")
    content_type: str
    size_bytes: int
    sha256: Sha256


class JobOutput(StoredOutput):
    """A file a succeeded job made, with a URL to read it."""

    url: str | None = Field(
        description="A presigned GET, signed for this answer. A secret. Null once the file has "
        "been kept for as long as files are: then `outputs_expire_at` is past."
    )
    expires_at: datetime | None = Field(description="When the URL dies; null without one.")


class Cost(BaseModel):
    """Money in US dollars, as decimal text."""

    estimated_usd: Money = Field(description="What it likely costs.")
    reserved_usd: Money = Field(description="What is held back for attempts not settled yet.")
    actual_usd: Money | None = Field(description="What was spent; may come after the end.")


class Links(BaseModel):
    """Where to go on."""

    events: str
    live: str
    cancel: str


class JobSnapshot(BaseModel):
    """A job as an event carries it: without `input`, `cost` and signed URLs."""

    id: str
    kind: str
    kind_version: int
    status: Status
    stage: str | None = Field(description="What a running job is doing: a word of its kind.")
    progress: float = Field(ge=0, le=1, description="0 to 1; never goes back.")
    waiting_for: WaitingFor | None = Field(
        description="While queued: `slot` (its place in line is `position`), `worker` (one is "
        "being started), `retry_at` (a pause before the next attempt) or `parents`."
    )
    attempt: int = Field(description="How many attempts were begun.")
    seq: int = Field(description="The newest event's number.")
    result: dict[str, Any] | None = Field(
        description="What the kind's `output_schema` describes; null until it succeeded."
    )
    outputs: list[StoredOutput]
    warnings: list[JobWarning]
    error: JobFailure | None
    labels: dict[str, str]
    parent_id: str | None
    retry_of: str | None = Field(description="The job this one tries again.")
    reused_from: str | None = Field(
        description="The job that made these outputs, where `reuse` was asked for and found "
        "one: nothing was rendered, and nothing is charged."
    )
    created_at: datetime
    started_at: datetime | None = Field(description="When the first attempt began.")
    finished_at: datetime | None
    deadline_at: datetime = Field(description="Unfinished then, it expires.")


class Job(JobSnapshot):
    """A job as its owner reads it."""

    outputs: list[JobOutput]  # type: ignore[assignment]  # the same, with URLs
    outputs_expire_at: datetime | None = Field(
        description="When the files are removed, or were; null: they stay until the job is "
        "deleted, or there are none."
    )
    input: dict[str, Any] = Field(description="The input as it was understood.")
    cost: Cost
    position: int | None = absent("Jobs ahead of it; only while it waits for a slot.", ge=0)
    links: Links


class JobPage(BaseModel):
    """Jobs, newest first."""

    items: list[Job]
    next_cursor: str | None = Field(description="`cursor` of the next page; null at the end.")


class EstimatedCost(BaseModel):
    """A price before the fact."""

    cost_usd: Money
    reserve_usd: Money = Field(
        description="The worst case of one attempt, held back while it runs; `max_cost_usd` "
        "must not be less."
    )
    seconds: float = Field(description="How long the work likely takes on one worker.")
    basis: str = Field(description="How that was reckoned.")


class Estimate(BaseModel):
    """The answer to a dry run: nothing was made."""

    estimate: EstimatedCost
    outputs: list[str] = Field(description="Names of the files the job would make.")
    warnings: list[str]
    would_reuse: bool = Field(
        description="With `reuse`: an earlier result would be given, and the price is 0."
    )


class UsageTotal(BaseModel):
    """What attempts have cost, and what is held back for those not settled."""

    jobs: int = Field(description="Jobs that came in.")
    attempts: int = Field(description="Attempts that a worker began.")
    reserved_usd: Money = Field(description="Held back for what is not settled yet.")
    spent_usd: Money = Field(description="Spent, whatever came of it.")


class UsageRow(UsageTotal):
    """One day, kind or status."""

    day: date | None = absent("A day in UTC; where `by` is `day`.")
    kind: str | None = absent("A kind; where `by` is `kind`.")
    status: Status | None = absent("Where the jobs stand; where `by` is `status`.")


class UsageOfDays(BaseModel):
    """Costs by the day their attempt was reserved on; deleted jobs count as they ended."""

    from_: date = Field(alias="from", description="The first day, in UTC.")
    to: date = Field(description="The last day, in UTC.")
    by: UsageBy
    rows: list[UsageRow] = Field(description="In order of name; days without cost are absent.")
    total: UsageTotal


class Event(BaseModel):
    """One line of a job's log."""

    seq: int = Field(ge=0, description="From 0, without gaps.")
    type: Literal[
        "queued",
        "started",
        "stage",
        "progress",
        "warning",
        "requeued",
        "succeeded",
        "failed",
        "cancelled",
        "expired",
    ]
    at: datetime
    job: JobSnapshot


class EventPage(BaseModel):
    """Events in order."""

    events: list[Event]
    next_after: int = Field(description="`after` of the next call.")
    pruned: bool | None = absent("True where events you asked for are cleared away.")


class JobTicket(BaseModel):
    """What a browser needs to watch one job."""

    ticket: str = Field(description="A Bearer credential, or what goes into `?ticket=`.")
    expires_at: datetime = Field(description="Connect before then.")
    live_url: str = Field(description="The WebSocket, with the ticket.")
    events_url: str = Field(description="The stream, with the ticket.")


class Multipart(BaseModel):
    """How a file in parts is cut."""

    part_size_bytes: int = Field(description="Size of each part but the last.")
    part_count: int


class ArrivedPart(BaseModel):
    """A part the bucket has."""

    part_number: int
    etag: str
    size_bytes: int


class SignedPart(BaseModel):
    """Where one part is put."""

    part_number: int
    url: str = Field(description="A presigned PUT. A secret.")
    headers: dict[str, str] = Field(description="Send these exactly: they are signed.")
    size_bytes: int = Field(description="How long this part is.")


class SignedParts(BaseModel):
    """In the order they were asked for."""

    parts: list[SignedPart]


class Upload(BaseModel):
    """A promise that one file will be put under one key, once."""

    upload_id: str
    status: UploadStatus
    key: str = Field(description="The object's name in the bucket; your tenant's own.")
    filename: str
    content_type: str
    size_bytes: int
    method: Literal["PUT"]
    url: str | None = Field(description="Where to PUT; null once it is no use. A secret.")
    headers: dict[str, str] = Field(description="Send these exactly: they are signed.")
    expires_at: datetime = Field(
        description="When its URLs and ticket die: an hour after it was made, a day in parts."
    )
    multipart: Multipart | None = Field(description="Null where the file is one PUT.")
    parts: list[ArrivedPart] | None = Field(
        description="The parts that have arrived, while an upload in parts is pending."
    )
    asset_id: str | None = Field(description="The asset it became.")
    ticket: str | None = Field(
        description="A Bearer credential for this upload's routes alone, for a browser."
    )


class Asset(BaseModel):
    """An object in the bucket with known size and type."""

    asset_id: str
    key: str
    filename: str
    content_type: str
    size_bytes: int
    etag: str
    sha256: Sha256 | None = Field(description="Null until the store or a worker has said it.")
    probe: dict[str, Any] | None = Field(description="What a decoder says; null until then.")
    created_at: datetime


class Price(BaseModel):
    """How a kind is priced."""

    basis: str


class Kind(BaseModel):
    """A sort of work on offer."""

    name: str = Field(description="Dotted, as a job asks for it.")
    version: int
    description: str
    compute: Compute
    stages: list[str] = Field(description="In order; `stage` of a job is one of them.")
    input_schema: dict[str, Any] = Field(description="JSON Schema of a job's `input`.")
    output_schema: dict[str, Any] = Field(description="JSON Schema of a job's `result`.")
    limits: dict[str, Any]
    price: Price


class Kinds(BaseModel):
    """Every kind there is."""

    kinds: list[Kind]


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Which of the things the service stands on answer."""

    status: Literal["ready", "unready"]
    checks: dict[str, Literal["ok", "fail"]]
