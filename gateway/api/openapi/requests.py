"""What an operation takes: credential, parameters, body."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.api.openapi.components import Components, untitled
from gateway.api.openapi.operation import Access, Operation, Parameter

_KEY = ("bearer", "apiKey")
_SECURITY: Mapping[Access, tuple[tuple[str, tuple[str, ...]], ...]] = MappingProxyType(
    {
        Access.OPEN: (),
        Access.READ: tuple((each, ("read",)) for each in _KEY),
        Access.JOBS: tuple((each, ("jobs",)) for each in _KEY),
        Access.UPLOADS: tuple((each, ("uploads",)) for each in _KEY),
        Access.ADMIN: tuple((each, ("admin",)) for each in _KEY),
        Access.UPLOAD_TICKET: (
            *((each, ("uploads",)) for each in _KEY),
            ("uploadTicket", ()),
        ),
        Access.READ_TICKET: (*((each, ("read",)) for each in _KEY), ("jobTicket", ())),
        Access.SUBMISSION: (("submissionToken", ()),),
        Access.ATTEMPT: (("attemptToken", ()),),
    }
)
# OpenAPI wants credentials under `security`, and nowhere else.
_NOT_PARAMETERS = frozenset({"authorization", "x-api-key", "ticket"})
_HEADERS = MappingProxyType(
    {
        "idempotency-key": "Idempotency-Key",
        "last-event-id": "Last-Event-ID",
        "prefer": "Prefer",
    }
)
# By name: what a parameter means is the same wherever it stands.
_MEANS: Mapping[str, tuple[str, Any]] = MappingProxyType(
    {
        "job_id": ("The job's id.", "0198c7a2-5d10-7c3e-9a41-2f6b8e0d4c11"),
        "upload_id": ("The upload's id.", "0198c7a1-90f4-7b02-8d6e-51c7a3e9f0b2"),
        "endpoint_id": ("The endpoint's id.", "0198c7a4-11d2-7c40-8b3e-6a1f9d2c7e05"),
        "delivery_id": ("The delivery's id.", "0198c7a4-5b0e-7a91-9c52-3d8e7f6a1b20"),
        "asset_id": ("The asset's id.", "0198c7a1-f3aa-7d55-b1c8-07e2d94a6f38"),
        "project_id": ("Your project's number.", 42),
        "clip_index": ("The clip's place in its project, from 0.", 0),
        "after": ("Only what comes after this `seq`; −1 is the beginning.", -1),
        "wait_s": (
            "How long to wait for an event where there is none yet, in seconds. At most 25; "
            "a service behind a short gateway may wait less.",
            20,
        ),
        "status": ("Only jobs that stand there.", "succeeded"),
        "kind": ("Only jobs of this kind.", "export.framing"),
        "parent_id": ("Only parts of this job.", "0198c7a2-5d10-7c3e-9a41-2f6b8e0d4c11"),
        "from": ("The first day, in UTC; 30 days up to `to`, unless said.", "2026-11-01"),
        "to": ("The last day, in UTC, and part of it; today, unless said.", "2026-11-30"),
        "by": ("What the rows are told apart by.", "kind"),
        "limit": ("How many at most.", 20),
        "cursor": ("`next_cursor` of the page before.", "MDE5OGM3YTItNWQxMA"),
        "Last-Event-ID": ("What an `EventSource` sends when it comes back.", 7),
        "Idempotency-Key": (
            "Your own name for this request: 1 to 128 printable characters, no spaces. The "
            "same key and request again get the first answer's job.",
            "3f1c7a52-export-7",
        ),
    }
)


def security_of(access: Access) -> list[dict[str, list[str]]]:
    """Return what is accepted, any one of them; nothing for an open route."""
    return [{name: list(scopes)} for name, scopes in _SECURITY[access]]


def parameters_of(shown: list[dict[str, Any]], said: Operation) -> list[dict[str, Any]]:
    """Return the signature's parameters and those the route reads by itself, explained."""
    found = [_explained(each) for each in shown if each["name"] not in _NOT_PARAMETERS]
    return found + [_parameter(each) for each in said.parameters]


def _explained(shown: dict[str, Any]) -> dict[str, Any]:
    name = _HEADERS.get(shown["name"], shown["name"])
    means, example = _MEANS.get(name, (shown.get("description"), None))
    explained = {**shown, "name": name, "schema": _plain(untitled(shown["schema"]))}
    if means:
        explained["description"] = means
    return {**explained, "example": example} if example is not None else explained


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or not, and never null."""
    inner = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(inner) != 1:
        return schema
    return {**{key: each for key, each in schema.items() if key != "anyOf"}, **inner[0]}


def _parameter(said: Parameter) -> dict[str, Any]:
    return {
        "name": said.name,
        "in": said.place,
        "required": said.place == "path",
        "description": said.says,
        "schema": dict(said.schema),
        "example": said.example,
        **said.more,
    }


def body_of(
    shown: dict[str, Any] | None, said: Operation, components: Components
) -> dict[str, Any] | None:
    """Return the request's body with its examples; None where it takes none."""
    if said.body_model is not None:
        schema = components.schema(said.body_model, "validation")
        required = True
    elif shown is not None:
        schema = _plain(untitled(shown["content"]["application/json"]["schema"]))
        required = shown.get("required", False)
    else:
        return None
    content = {"schema": schema, "examples": {n: {"value": v} for n, v in said.body.items()}}
    return {"required": required, "content": {"application/json": content}}
