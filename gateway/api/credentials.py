"""Who is calling: an API key in a header, on HTTP and WebSocket alike.

Whoever watches a job may hold a ticket for it instead, in a header too or where a browser
can put one: in the query, or beside the subprotocols that a WebSocket offers.
"""

from starlette.requests import HTTPConnection

from gateway.api.answer_headers import tell_rate
from gateway.core.api_keys import Caller
from gateway.services.admission import Admission, TooManyRequests
from gateway.services.job_tickets import JobTickets
from shared.errors import Forbidden, Unauthenticated

TICKET_SUBPROTOCOL = "cutroom.ticket."


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
    """Return the caller, who has the scope, and count the request against its tenant's rate.

    Raises `Unauthenticated` without a good key, `TooManyRequests`, and `Forbidden` without
    the scope or to a suspended tenant.
    """
    caller, over_rate = await authenticate_repeat(connection, scope)
    if over_rate is not None:
        raise over_rate
    return caller


async def authenticate_repeat(
    connection: HTTPConnection, scope: str
) -> tuple[Caller, TooManyRequests | None]:
    """Return the caller, and what is to be raised unless it repeats an earlier request."""
    admission = _admission(connection)
    address = connection.client.host if connection.client else ""
    caller = await admission.caller(credential_of(connection), address)
    over_rate = _counted(connection, caller.tenant)
    if scope not in caller.scopes:
        raise over_rate or Forbidden(
            f"key {caller.key_id} lacks {scope}", public=f"This key lacks the scope {scope}."
        )
    return caller, over_rate


async def ticket_holder(connection: HTTPConnection, tenant: str | None) -> str:
    """Return the tenant that a ticket names, and count the request against its rate.

    Raises `Unauthenticated` where it named none, and else as `authenticate`.
    """
    if tenant is None:
        raise Unauthenticated("bad ticket", public="The ticket is not valid here.")
    await _admission(connection).ticket_of(tenant)
    if over_rate := _counted(connection, tenant):
        raise over_rate
    return tenant


def _admission(connection: HTTPConnection) -> Admission:
    found: Admission = connection.app.state.admission
    return found


def _counted(connection: HTTPConnection, tenant: str) -> TooManyRequests | None:
    admission = _admission(connection)
    standing = admission.counted(tenant)
    tell_rate(connection.scope, admission.requests, standing)
    if not standing.is_refused:
        return None
    return TooManyRequests(f"tenant {tenant} is over its rate", standing)


async def watcher_tenant(job_id: str, connection: HTTPConnection) -> str:
    """Return whose jobs the caller may read: by the job's ticket, or by a key with `read`.

    Raises `Unauthenticated` for a ticket that is forged, expired or another job's, and else
    as `authenticate`.
    """
    tickets: JobTickets = connection.app.state.job_tickets
    try:
        credential = credential_of(connection)
    except Unauthenticated:
        credential = _offered_ticket(connection)
    if not tickets.is_one(credential):  # a key counts in a header alone: URLs are kept
        return (await authenticate(connection, "read")).tenant
    return await ticket_holder(connection, tickets.tenant_of(credential, job_id))


def _offered_ticket(connection: HTTPConnection) -> str:
    offered: list[str] = connection.scope.get("subprotocols", [])
    beside = (each for each in offered if each.startswith(TICKET_SUBPROTOCOL))
    in_subprotocol = next(beside, "").removeprefix(TICKET_SUBPROTOCOL)
    return connection.query_params.get("ticket") or in_subprotocol
