"""What the gateway answers. A field that this client does not know is left out."""

from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from client.errors import Unreachable

FINAL = frozenset({"succeeded", "failed", "cancelled", "expired"})


class Answer(BaseModel):
    """Frozen, and open to fields that a later gateway adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Read = TypeVar("Read", bound=Answer)


def read(model: type[Read], body: Any) -> Read:
    """Return a JSON body as its model. Raises `Unreachable` for one that does not fit."""
    try:
        return model.model_validate(body)
    except ValidationError:
        # Without its cause: pydantic's text shows what a field holds, and some are secrets.
        raise Unreachable(f"the server's answer is no {model.__name__.lower()}") from None


class Asset(Answer):
    """An object in the bucket, to be named in a job's input as `{"asset_id": …}`."""

    asset_id: str
    filename: str
    content_type: str
    size_bytes: int
    sha256: str | None = None
    probe: dict[str, Any] | None = None
    created_at: datetime | None = None


class Multipart(Answer):
    """How an upload is parted: all parts are equally long but the last."""

    part_size_bytes: int
    part_count: int


class StoredPart(Answer):
    """A part that has arrived."""

    part_number: int
    etag: str
    size_bytes: int


class SignedPart(Answer):
    """Where a part goes; `url` and `headers` are secrets."""

    part_number: int
    url: str = Field(repr=False)
    headers: dict[str, str] = Field(repr=False)
    size_bytes: int


class SignedParts(Answer):
    """What one request for URLs gives."""

    parts: tuple[SignedPart, ...]


class UploadPromise(Answer):
    """Where the bytes go, and the headers that must be sent exactly; both are secrets.

    `url` is None for an upload in parts, and for one that has expired or ended.
    """

    upload_id: str
    status: str = "pending"
    size_bytes: int
    url: str | None = Field(None, repr=False)
    headers: dict[str, str] = Field({}, repr=False)
    multipart: Multipart | None = None
    parts: tuple[StoredPart, ...] | None = None


class Output(Answer):
    """A file that a job made. `url` is a secret, is None in events, and expires."""

    name: str
    content_type: str
    size_bytes: int
    sha256: str
    url: str | None = Field(None, repr=False)
    expires_at: datetime | None = None


class JobError(Answer):
    """Why a job failed, and whose move is next."""

    code: str
    message: str
    stage: str | None = None
    retryable: bool = False
    who: str | None = None


class Cost(Answer):
    """US dollars. `actual_usd` may come a little after the job's end."""

    estimated_usd: Decimal
    reserved_usd: Decimal
    actual_usd: Decimal | None = None


class Job(Answer):
    """One piece of work; in an event without `input`, `cost` and URLs."""

    id: str
    kind: str
    kind_version: int | None = None
    status: str
    stage: str | None = None
    progress: float = 0.0
    waiting_for: str | None = None
    position: int | None = None
    attempt: int = 0
    seq: int
    input: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    outputs: tuple[Output, ...] = ()
    outputs_expire_at: datetime | None = None
    warnings: tuple[dict[str, Any], ...] = ()
    error: JobError | None = None
    cost: Cost | None = None
    labels: dict[str, str] = {}
    parent_id: str | None = None
    retry_of: str | None = None
    reused_from: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    deadline_at: datetime | None = None

    @property
    def is_final(self) -> bool:
        """True once nothing about the job changes any more, its cost excepted."""
        return self.status in FINAL

    def output(self, name: str) -> Output:
        """Return the output of that name. Raises `KeyError`."""
        for each in self.outputs:
            if each.name == name:
                return each
        raise KeyError(name)


class Event(Answer):
    """One line of a job's log; `seq` counts from 0 without gaps."""

    seq: int
    type: str
    at: datetime
    job: Job

    @property
    def is_last(self) -> bool:
        """True for the one event that ends the log."""
        return self.type in FINAL


class JobPage(Answer):
    """Some jobs, newest first, and where the older ones begin."""

    items: tuple[Job, ...]
    next_cursor: str | None = None


class Ticket(Answer):
    """What lets a browser watch one job; all but its expiry are secrets.

    The URLs are paths at the gateway, with the ticket in them.
    """

    ticket: str = Field(repr=False)
    expires_at: datetime
    live_url: str = Field(repr=False)
    events_url: str = Field(repr=False)


class EventPage(Answer):
    """What one poll gives."""

    events: tuple[Event, ...]
    next_after: int


class Kind(Answer):
    """A kind of work on offer, with the JSON schemas of its input and output."""

    name: str
    version: int
    description: str
    compute: str
    stages: tuple[str, ...]
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]


class Estimate(Answer):
    """What a job would likely cost, in US dollars, and take, in seconds.

    `reserve_usd` is what one attempt may cost at worst.
    """

    cost_usd: Decimal
    seconds: float
    basis: str
    reserve_usd: Decimal | None = None


class DryRun(Answer):
    """What a job would be, had it been handed in: `outputs` are names."""

    estimate: Estimate
    outputs: tuple[str, ...] = ()
    warnings: tuple[str | dict[str, Any], ...] = ()
    would_reuse: bool = False


class PlannedFrame(Answer):
    """One frame of a plan: its number in the input and in the output, and what it shows.

    `rect` is x, y, width and height in pixels of the displayed input; `regions` and `layers`
    are what is drawn, as the API's document has them.
    """

    frame: int
    output_frame: int
    rect: tuple[float, float, float, float]
    regions: tuple[dict[str, Any], ...] = ()
    layers: tuple[dict[str, Any], ...] = ()


class PlanPreview(Answer):
    """What an export would render; `next_from` begins the next page, if there is one."""

    footage: dict[str, Any]
    output: dict[str, Any]
    kept: dict[str, int]
    audio: dict[str, float] | None = None
    warnings: tuple[dict[str, Any], ...] = ()
    frames: tuple[PlannedFrame, ...]
    next_from: int | None = None
