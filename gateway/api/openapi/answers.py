"""What an operation answers: its successes, and every refusal by status."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from gateway.api.faces import V1, Face, Fault
from gateway.api.openapi import refusals
from gateway.api.openapi.components import Components, Model
from gateway.api.openapi.examples import JOB_ID
from gateway.api.openapi.models import Problem, ProductError
from gateway.api.openapi.operation import Access, Answer, Content, Operation
from gateway.api.openapi.refusals import Refusal
from shared.errors import FieldError

ERROR_MODELS: Final[tuple[Model, ...]] = (Problem, ProductError)
# Refused by a route, or on the way to one: other statuses come from before.
_TENANT_IS_KNOWN: Final = frozenset({403, 404, 409, 422, 429, 503})
_REQUEST_ID: Final = "0198c7a2-60aa-7f19-a3b7-48d0c6e2f951"
_ON_EVERY: Final = "X-Request-ID"
_ON_EVERY_TENANTS: Final = ("RateLimit-Policy", "RateLimit")

HEADERS: Mapping[str, Any] = MappingProxyType(
    {
        _ON_EVERY: {
            "required": True,
            "description": "Names this exchange in the service's log; yours, if you sent one.",
            "schema": {"type": "string"},
            "example": _REQUEST_ID,
        },
        "Location": {
            "required": True,
            "description": "Where the thing is.",
            "schema": {"type": "string"},
            "example": f"/v1/jobs/{JOB_ID}",
        },
        "Retry-After": {
            "required": True,
            "description": "When to come back, in seconds.",
            "schema": {"type": "integer", "minimum": 1},
            "example": 10,
        },
        "WWW-Authenticate": {
            "required": True,
            "description": "Which sort of credential is wanted.",
            "schema": {"type": "string"},
            "example": "Bearer",
        },
        "RateLimit-Policy": {
            "description": "How often the tenant may ask, here: `q` requests in `w` seconds.",
            "schema": {"type": "string"},
            "example": '"requests";q=2000;w=10',
        },
        "RateLimit": {
            "description": "How many requests are left, `r`, and in how many seconds all are "
            "there again, `t`. Told once the tenant is known.",
            "schema": {"type": "string"},
            "example": '"requests";r=1998;t=1',
        },
        "Preference-Applied": {
            "description": "How long a wait was granted; where one was preferred.",
            "schema": {"type": "string"},
            "example": "wait=5",
        },
    }
)


def answers_of(
    said: Operation, refused: Sequence[Refusal], face: Face, components: Components
) -> dict[str, Any]:
    """Return every answer by status, in order; errors as the surface words them."""
    told = (_ON_EVERY, *_ON_EVERY_TENANTS) if _is_a_tenants(said) else (_ON_EVERY,)
    found = {answer.status: _success(answer, told, components) for answer in said.answers}
    by_status: dict[int, list[Refusal]] = defaultdict(list)
    for each in refused:
        by_status[each.status(face)].append(each)
    for status, those in by_status.items():
        if status in found:
            raise ValueError(f"{said.summary}: {status} is both a success and a refusal")
        found[status] = _refusals(status, those, face, told, components)
    return {str(status): found[status] for status in sorted(found)}


def refusals_of(
    said: Operation, *, has_body: bool, has_input: bool, has_path: bool
) -> list[Refusal]:
    """Return the refusals of a route: what access, path and body bring, and its own.

    `has_body`: it is a method whose body is read, wanted or not. `has_input`: anything
    but the path is checked.
    """
    found: list[Refusal] = []
    if said.access is not Access.OPEN:
        found += [refusals.UNAUTHENTICATED, refusals.UNAVAILABLE]
    if _is_a_tenants(said):
        found += [refusals.FORBIDDEN, refusals.RATE_LIMITED]
    is_worker = said.access in {Access.SUBMISSION, Access.ATTEMPT}
    if has_path and not is_worker:  # whose token opens one job, and names it
        found.append(said.finds or refusals.NOT_FOUND)
    if has_body:
        found += [
            refusals.REQUEST_TIMEOUT,
            refusals.PAYLOAD_TOO_LARGE,
            refusals.UNSUPPORTED_MEDIA_TYPE,
        ]
    if has_body or has_input:
        found.append(refusals.VALIDATION_FAILED)
    return [*found, *said.refusals, refusals.HEADERS_TOO_LARGE, refusals.INTERNAL]


def _is_a_tenants(said: Operation) -> bool:
    return said.access not in {Access.OPEN, Access.SUBMISSION, Access.ATTEMPT}


def _success(answer: Answer, told: Sequence[str], components: Components) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": answer.says,
        "headers": _headers((*told, *answer.headers)),
    }
    if answer.contents:
        found["content"] = {
            each.media_type: _content(each, components) for each in answer.contents
        }
    return found


def _content(content: Content, components: Components) -> dict[str, Any]:
    return {
        "schema": components.schema(content.model, "serialization"),
        "examples": {name: {"value": value} for name, value in content.examples.items()},
    }


def _refusals(
    status: int,
    refused: Sequence[Refusal],
    face: Face,
    told: Sequence[str],
    components: Components,
) -> dict[str, Any]:
    headers = [*told] if status in _TENANT_IS_KNOWN else [_ON_EVERY]
    if any(each.comes_later for each in refused):
        headers.append("Retry-After")
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append("WWW-Authenticate")
    model: Model = Problem if face is V1 else ProductError
    shown = {each.code: {"value": _example(each, face)} for each in refused}
    content = {"schema": components.schema(model, "serialization"), "examples": shown}
    return {
        "description": "\n".join(f"- `{each.code}`: {each.means}" for each in refused),
        "headers": _headers(headers),
        "content": {face.media_type: content},
        "x-codes": [each.code for each in refused],
    }


def _example(refused: Refusal, face: Face) -> dict[str, Any]:
    fields = (FieldError(refused.field, refused.means),) if refused.field else ()
    fault = Fault(refused.status(face), refused.code, refused.detail, _REQUEST_ID, fields)
    return face.body(fault)


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
