"""Problem documents (RFC 9457) as errors."""

from collections.abc import Mapping
from types import MappingProxyType

import httpx

from client.errors import ApiProblem, Busy, Conflict, Denied, Field, Invalid, NotFound

_TYPES: Mapping[int, type[ApiProblem]] = MappingProxyType(
    {
        401: Denied,
        403: Denied,
        404: NotFound,
        409: Conflict,
        413: Invalid,
        415: Invalid,
        422: Invalid,
        429: Busy,
        503: Busy,
    }
)


def problem_of(answer: httpx.Response) -> ApiProblem:
    """Return a refusal as an error; also one that a proxy on the way made up."""
    status = answer.status_code
    made = _TYPES.get(status, ApiProblem)
    retry_after = answer.headers.get("retry-after", "")
    retry_after_s = float(retry_after) if retry_after.isdecimal() else None
    try:
        body = answer.json()
        return made(
            status,
            str(body["code"]),
            str(body["detail"]),
            tuple(Field(str(e["field"]), str(e["message"])) for e in body.get("errors", ())),
            request_id=_text(body.get("request_id")),
            retry_after_s=retry_after_s,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        detail = f"The server answered {status} {answer.reason_phrase}."
        return made(status, f"http_{status}", detail, retry_after_s=retry_after_s)


def _text(found: object) -> str | None:
    return found if isinstance(found, str) else None
