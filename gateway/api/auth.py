"""Who is calling, as routes name it in their signatures."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from gateway.api.credentials import authenticate, authenticate_repeat, watcher_tenant
from gateway.core.api_keys import Caller
from gateway.core.idempotency import IdempotencyKey
from gateway.services.admission import TooManyRequests
from gateway.services.submit_job import Submitted


@dataclass(frozen=True, slots=True)
class Repeater:
    """A caller with `jobs` whose request may repeat one that was accepted.

    Such a repeat is answered also where the tenant asks more often than it may.
    """

    tenant: str
    over_rate: TooManyRequests | None

    async def earlier(
        self,
        made: Callable[[str, IdempotencyKey | None], Awaitable[Submitted | None]],
        bind: IdempotencyKey | None,
    ) -> Submitted | None:
        """Return what was `made` under the key before; else raise `over_rate`, if it is set."""
        found = await made(self.tenant, bind)
        if found is None and self.over_rate is not None:
            raise self.over_rate
        return found


def _having(scope: str) -> Callable[[HTTPConnection], Awaitable[Caller]]:
    async def caller(connection: HTTPConnection) -> Caller:
        return await authenticate(connection, scope)

    return caller


async def _repeater(connection: HTTPConnection) -> Repeater:
    caller, over_rate = await authenticate_repeat(connection, "jobs")
    if over_rate is not None and "idempotency-key" not in connection.headers:
        raise over_rate
    return Repeater(caller.tenant, over_rate)


JobCaller = Annotated[Caller, Depends(_having("jobs"))]
Submitter = Annotated[Repeater, Depends(_repeater)]
UploadCaller = Annotated[Caller, Depends(_having("uploads"))]
Reader = Annotated[Caller, Depends(_having("read"))]
Admin = Annotated[Caller, Depends(_having("admin"))]
WatcherTenant = Annotated[str, Depends(watcher_tenant)]
