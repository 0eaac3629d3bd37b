"""Who is calling, as routes name it in their signatures."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from gateway.api.credentials import authenticate, watcher_tenant
from gateway.core.api_keys import Caller


def _having(scope: str) -> Callable[[HTTPConnection], Awaitable[Caller]]:
    async def caller(connection: HTTPConnection) -> Caller:
        return await authenticate(connection, scope)

    return caller


JobCaller = Annotated[Caller, Depends(_having("jobs"))]
UploadCaller = Annotated[Caller, Depends(_having("uploads"))]
Reader = Annotated[Caller, Depends(_having("read"))]
Admin = Annotated[Caller, Depends(_having("admin"))]
WatcherTenant = Annotated[str, Depends(watcher_tenant)]
