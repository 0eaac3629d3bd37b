"""Who is calling: an API key in a header, on HTTP and WebSocket alike."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from gateway.core.api_keys import Caller
from gateway.services.api_keys import ApiKeys
from shared.errors import Forbidden, Unauthenticated


def credential_of(connection: HTTPConnection) -> str:
    """Return what stands after `Bearer`, or in `X-API-Key`; raise `Unauthenticated`."""
    scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return bearer.strip()
    key = connection.headers.get("x-api-key", "").strip()
    if not key:
        raise Unauthenticated("no credential", public="A valid API key is needed.")
    return key


async def authenticate(connection: HTTPConnection, scope: str) -> Caller:
    """Return the caller, who has the scope.

    Raises `Unauthenticated` without a good key and `Forbidden` without the scope.
    """
    keys: ApiKeys = connection.app.state.api_keys
    caller = await keys.verify(credential_of(connection))
    if scope not in caller.scopes:
        raise Forbidden(
            f"key {caller.key_id} lacks {scope}", public=f"This key lacks the scope {scope}."
        )
    return caller


def _having(scope: str) -> Callable[[HTTPConnection], Awaitable[Caller]]:
    async def caller(connection: HTTPConnection) -> Caller:
        return await authenticate(connection, scope)

    return caller


JobCaller = Annotated[Caller, Depends(_having("jobs"))]
UploadCaller = Annotated[Caller, Depends(_having("uploads"))]
Reader = Annotated[Caller, Depends(_having("read"))]
Admin = Annotated[Caller, Depends(_having("admin"))]
