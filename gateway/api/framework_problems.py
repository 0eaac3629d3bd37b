"""What FastAPI and Starlette refuse by themselves, worded as our own refusals are."""

from collections.abc import Iterable
from http import HTTPStatus
from itertools import chain
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from gateway.api.faces import Faces, Fault
from gateway.api.problems import answer, problem
from gateway.api.request_ids import id_of
from shared.errors import ValidationFailed
from shared.job_kind import refusal

_FRAMEWORK_CODES = MappingProxyType(
    {401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method_not_allowed"}
)
_FRAMEWORK_CODES_ELSE = "invalid_request"


def validation_failure(errors: Iterable[dict[str, Any]]) -> ValidationFailed:
    """Turn the framework's findings into ours: paths as the caller writes them.

    The first part of each place says body, query, path or header, which the caller knows.
    """
    return refusal({**each, "loc": each["loc"][1:]} for each in errors)


def install(app: FastAPI) -> None:
    """Teach the application, round which the front desk has been put already."""
    faces: Faces = app.state.faces

    async def on_bad_request(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - the framework dispatches on it
        failure = validation_failure(error.errors())
        return problem(failure, id_of(request.scope), faces.of(request.scope["path"]))

    async def on_framework(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        status = error.status_code
        code = _FRAMEWORK_CODES.get(status, _FRAMEWORK_CODES_ELSE)
        sentence = f"{HTTPStatus(status).phrase}."
        fault = Fault(status, code, sentence, id_of(request.scope))
        headers = dict(error.headers or {})
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = _allowed(request)
        return answer(faces.of(request.scope["path"]), fault, headers)

    app.add_exception_handler(RequestValidationError, on_bad_request)
    app.add_exception_handler(HTTPException, on_framework)


def _allowed(request: Request) -> str:
    """Return the methods of every route at this address; the framework names one route's."""
    path = request.scope["path"]
    there = [
        context.methods or ()
        for context in iter_route_contexts(request.app.routes)
        if context.path_regex.match(path)
    ]
    methods = set(chain.from_iterable(there))
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))
