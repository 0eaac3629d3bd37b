"""Errors as the surface words them that was asked, whatever raised them.

RFC 9457 problem documents on `/v1`; `faces.py` says how the others look. What the framework
raises is turned into ours in `framework_problems`.
"""

import logging

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.faces import V1, Face, Faces, Fault
from gateway.api.request_ids import id_of
from shared.errors import (
    CallerMustChange,
    Conflict,
    CutroomError,
    Forbidden,
    HeadTooLarge,
    NotFound,
    OperatorMustAct,
    TooLarge,
    TooSlow,
    TryAgainLater,
    Unauthenticated,
    UnsupportedMediaType,
    ValidationFailed,
)

log = logging.getLogger(__name__)

MEDIA_TYPE = V1.media_type
FIELDS_MAX = 100
LIMIT_CODES = frozenset(
    {"rate_limited", "quota_exceeded", "budget_exceeded", "too_many_open_jobs"}
)
_STATUSES: tuple[tuple[type[CutroomError], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (TooSlow, 408),
    (Conflict, 409),
    (TooLarge, 413),
    (UnsupportedMediaType, 415),
    (HeadTooLarge, 431),
    (CallerMustChange, 422),
)
_INTERNAL = "Something went wrong on our side."


def status_of(error: CutroomError, face: Face = V1) -> int:
    """The HTTP status says whose move is next: 4xx theirs, 429 or 503 later, 500 ours."""
    if isinstance(error, CallerMustChange) and error.what in face.statuses:
        return face.statuses[error.what]
    if isinstance(error, TryAgainLater):
        return 429 if error.what in LIMIT_CODES else 503
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def problem(error: CutroomError, request_id: str, face: Face = V1) -> JSONResponse:
    """One error's answer; nothing in it but what customers may see."""
    status = status_of(error, face)
    fields = error.errors[:FIELDS_MAX] if isinstance(error, ValidationFailed) else ()
    code, detail = (error.what, error.public) if status != 500 else ("internal", _INTERNAL)
    return answer(face, Fault(status, code, detail, request_id, fields), _headers(error))


def _headers(error: CutroomError) -> dict[str, str]:
    match error:
        case TryAgainLater():
            return {"Retry-After": str(max(1, error.retry_after_s))}
        case Unauthenticated():
            return {"WWW-Authenticate": "Bearer"}
        case _:
            return {}


def answer(face: Face, fault: Fault, headers: dict[str, str]) -> JSONResponse:
    """Return a fault as this face words it."""
    return JSONResponse(face.body(fault), fault.status, headers, face.media_type)


def install(app: Starlette, faces: Faces) -> None:
    """Teach the application to answer each of our errors as the surface asked words it."""

    async def on_ours(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, CutroomError)  # noqa: S101 - the framework dispatches on it
        _log(error, request.scope)
        return problem(error, id_of(request.scope), faces.of(request.scope["path"]))

    app.state.faces = faces
    app.add_exception_handler(CutroomError, on_ours)


class LastResort:
    """Answers `internal` where nothing else answered, and logs what went wrong."""

    def __init__(self, app: ASGIApp, *, faces: Faces) -> None:
        self._app = app
        self._faces = faces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an answer that has begun is left to break off."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http" or begun:
                raise
            mine = OperatorMustAct(f"{type(error).__name__} reached the top", public=_INTERNAL)
            mine.__cause__ = error
            _log(mine, scope)
            face = self._faces.of(scope["path"])
            await problem(mine, id_of(scope), face)(scope, receive, send)


def _log(error: CutroomError, scope: Scope) -> None:
    """Write one line for what is not the caller's to mend; never the query string."""
    status = status_of(error)
    fields = {
        "status": status,
        "path": scope.get("path", ""),
        "request_id": id_of(scope),
        "why": str(error),
    }
    if status == 500:
        log.error("request.failed", extra=fields, exc_info=error)
    elif status == 503:
        log.warning("request.put_off", extra=fields)
