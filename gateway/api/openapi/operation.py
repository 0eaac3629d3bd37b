"""What is said of one route: who may call it, what it takes, what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from gateway.api.openapi.refusals import Refusal

Schema = Mapping[str, Any]


class Access(StrEnum):
    """Which credential a route takes."""

    OPEN = "open"
    READ = "read"
    JOBS = "jobs"
    UPLOADS = "uploads"
    ADMIN = "admin"
    UPLOAD_TICKET = "uploads, or the upload's ticket"
    READ_TICKET = "read, or the job's ticket"
    SUBMISSION = "submission token"
    ATTEMPT = "attempt token"


@dataclass(frozen=True, slots=True)
class Content:
    """One body in one media type: its model, or a schema where no model fits."""

    model: type[BaseModel] | Schema
    examples: Mapping[str, Any]
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """One status a route answers when all is well; `headers` are names of components."""

    status: int
    says: str
    contents: tuple[Content, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter the route reads by itself, so that its signature does not show it."""

    name: str
    place: str
    says: str
    schema: Schema
    example: Any
    more: Mapping[str, Any] = field(default_factory=dict)


# Not in signatures: read from the header itself, so that nonsense is as if nothing was said.
PREFER = Parameter(
    "Prefer",
    "header",
    "`wait=N`: hold the answer back for up to N seconds until there is more to say. What was "
    "granted stands in `Preference-Applied`.",
    {"type": "string"},
    "wait=20",
)


# Not in the signature of the status poll, which FastAPI is to have no work with.
JOB_ID = Parameter(
    "job_id",
    "path",
    "The job's id.",
    {"type": "string"},
    "0198c7a2-5d10-7c3e-9a41-2f6b8e0d4c11",
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One route, described.

    `answers` are its successes, `refusals` the codes beyond those that access, path and
    body bring by themselves. `body` examples belong to the body the signature shows;
    `body_model` replaces it where the route reads its body by itself. `parameters` are added.
    `finds` is the refusal for a path that leads nowhere, where that has a code of its own.
    """

    tag: str
    access: Access
    summary: str
    says: str
    answers: tuple[Answer, ...]
    refusals: tuple[Refusal, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    body_model: type[BaseModel] | Schema | None = None
    parameters: tuple[Parameter, ...] = ()
    finds: Refusal | None = None


def ok(
    says: str, model: type[BaseModel] | Schema, example: Any, *, status: int = 200, **more: Any
) -> Answer:
    """The usual answer: one JSON body with one example, or several by name."""
    examples = example if isinstance(example, Examples) else Examples(default=example)
    return Answer(status, says, (Content(model, examples),), **more)


class Examples(dict[str, Any]):
    """Several examples of one body, by name."""
