"""Use case: the plan of an export before it is one, from what its worker will plan with."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Protocol, Self, runtime_checkable

from pydantic import Field, ValidationError, model_validator

from gateway.ports.asset_store import AssetStore
from gateway.ports.job_store import JobStore
from gateway.services.resolve_files import ResolveFiles
from shared.artifacts import references_in
from shared.errors import Conflict, FieldError, JobFailed, ValidationFailed
from shared.job_kind import JobKind, Rule, Wire
from shared.numbers import LARGEST_WHOLE, WHOLE, Number
from shared.render.cropping import Size
from shared.render.plan import Footage, Plan
from shared.render_models import FrameNumber, Rate

# What a page may ask before there is a file: the checks of an input need one, and the plan
# does not.
_SOURCE = "source"
_ANY_SOURCE = {"asset_id": "any"}
_LARGEST_SIDE_PX = 100_000
_MAX_FRAMES = 100_000_000  # nineteen days at 60 frames a second
_MAX_DURATION_S = 1e10

_Side = Annotated[int, Field(strict=True, ge=1, le=_LARGEST_SIDE_PX), WHOLE]
_Frames = Annotated[int, Field(strict=True, ge=1, le=_MAX_FRAMES), WHOLE]
_Step = Annotated[int, Field(strict=True, ge=1, le=LARGEST_WHOLE), WHOLE]


class FootageAsked(Wire):
    """What of a video decides its plan; `GET /v1/assets/{id}` has it as `probe`."""

    width_px: _Side = Field(description="As displayed, turned upright.")
    height_px: _Side = Field(description="As displayed, turned upright.")
    rate: Rate = Field(description="Frames a second, as a fraction: 30000/1001.")
    frames: _Frames = Field(description="Frames at that constant rate.")
    duration_s: Number | None = Field(
        None,
        gt=0,
        le=_MAX_DURATION_S,
        description="From the first frame to the end of the last; null is frames over rate.",
    )

    def plain(self) -> Footage:
        """The value a plan is made from."""
        rate = Fraction(self.rate)
        lasts = self.frames / rate if self.duration_s is None else Fraction(self.duration_s)
        return Footage(Size(self.width_px, self.height_px), rate, self.frames, lasts)


class PreviewRequest(Wire):
    """An export as it would be submitted, the video it is of, and which frames to show."""

    kind: str = Field(max_length=128, description="A kind that exports.")
    input: dict[str, Any] = Field(
        description="As for `POST /v1/jobs`; `source` may be left out beside `footage`."
    )
    footage: FootageAsked | None = Field(
        None,
        description="The video; null is what a worker found in `input.source`.",
    )
    start: FrameNumber | None = Field(
        None,
        alias="from",
        description="First frame to show, on the input's timeline; null is the first kept.",
    )
    stop: FrameNumber | None = Field(
        None, alias="to", description="The frame after the last; null is the end."
    )
    step: _Step = Field(1, description="Show each so manieth frame.")

    @model_validator(mode="after")
    def _shows_something(self) -> Self:
        if self.stop is not None and self.stop <= (self.start or 0):
            raise Rule("invalid_range", "must be after from", at=("to",))
        return self


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan, the frames of it that are rendered, and those of them that were asked for.

    All on the input's timeline. A kind that makes one picture renders one frame of its plan.
    """

    kind: str
    plan: Plan
    kept: range
    frames: range


@runtime_checkable
class _Planned(Protocol):
    """An input that says what is rendered of a footage."""

    def plan(self, footage: Footage) -> Plan:
        """Return what is rendered."""


@runtime_checkable
class _OneFrame(Protocol):
    """An input that says which one frame of a footage is rendered."""

    def number_in(self, footage: Footage) -> int:
        """Return its number."""


@dataclass(frozen=True, slots=True)
class PreviewPlan:
    """Plans as the worker does, by the same code; writes nothing and asks no worker.

    An input may hold thousands of keyframes, so it is checked and planned beside the loop.
    """

    kinds: Mapping[str, JobKind[Any, Any]]
    resolve: ResolveFiles
    assets: AssetStore
    jobs: JobStore

    async def __call__(self, tenant: str, asked: PreviewRequest) -> Preview:
        """Return the plan, not yet computed for any frame.

        Raises `ValidationFailed`, `NotFound` where `source` names nothing of the tenant's,
        and `Conflict` (`not_probed`) where nobody has looked at it yet.
        """
        kind = self.kinds.get(asked.kind)
        if kind is None:
            raise ValidationFailed(
                [FieldError.at(("kind",), "there is no such kind of job")], code="unknown_kind"
            )
        raw = asked.input
        if asked.footage is not None and _SOURCE not in raw:
            raw = {**raw, _SOURCE: _ANY_SOURCE}
        job_input: Wire = await asyncio.to_thread(kind.parse_input, raw)
        if not isinstance(job_input, _Planned):
            raise ValidationFailed([FieldError.at(("kind",), "only exports have a plan")])
        footage = asked.footage or await self._found(tenant, job_input)
        plan, kept = await asyncio.to_thread(_planned, job_input, footage.plain())
        return Preview(kind.name, plan, kept, _shown(asked, kept))

    async def _found(self, tenant: str, job_input: Wire) -> FootageAsked:
        """Return what a worker said of the video, or of the export that it came of."""
        named = [each for each in references_in(job_input) if each.name == _SOURCE]
        [found] = await self.resolve(tenant, named)
        facts: Mapping[str, Any] | None = None
        if found.file.asset_id is not None:
            asset = await self.assets.get(tenant, found.file.asset_id)
            facts = asset.probe if asset else None
        elif found.file.source_id is not None:
            job = await self.jobs.get(found.file.source_id, tenant=tenant)
            facts = job.result if job else None
        try:
            return FootageAsked.model_validate(
                {name: (facts or {}).get(name) for name in FootageAsked.model_fields}
            )
        except ValidationError as error:
            raise Conflict(
                "nobody has said how large and long the source is",
                public="No worker has looked at this video yet. Say its footage.",
                code="not_probed",
            ) from error


def _planned(job_input: _Planned, footage: Footage) -> tuple[Plan, range]:
    try:
        plan = job_input.plan(footage)
        if not isinstance(job_input, _OneFrame):
            return plan, plan.frames
        number = job_input.number_in(footage)
        return plan, range(number, number + 1)
    except JobFailed as error:
        # The one way for a plan to fail: what is kept lies after the video's end.
        raise ValidationFailed(
            [FieldError.at(("input", _says_when(job_input)), error.public)], code=error.what
        ) from error


def _says_when(job_input: _Planned) -> str:
    if not isinstance(job_input, _OneFrame):
        return "start_time"
    return "time" if getattr(job_input, "frame", None) is None else "frame"


def _shown(asked: PreviewRequest, kept: range) -> range:
    """The kept frames that were asked for; steps are counted from where it was asked from."""
    start = kept.start if asked.start is None else asked.start
    if start < kept.start:
        start += -((start - kept.start) // asked.step) * asked.step
    stop = kept.stop if asked.stop is None else min(asked.stop, kept.stop)
    return range(start, stop, asked.step)
