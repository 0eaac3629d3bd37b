"""Who is calling: an API key in a header, on HTTP and WebSocket alike.

Whoever watches a job may hold a ticket for it instead, in a header too or where a browser
can put one: in the query, or beside the subprotocols that a WebSocket offers.
"""

from starlette.requests import HTTPConnection

from gateway.core.api_keys import Caller
from gateway.services.api_keys import ApiKeys
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


async def watcher_tenant(job_id: str, connection: HTTPConnection) -> str:
    """Return whose jobs the caller may read: by the job's ticket, or by a key with `read`.

    Raises `Unauthenticated` for a ticket that is forged, expired or another job's.
    """
    tickets: JobTickets = connection.app.state.job_tickets
    try:
        credential = credential_of(connection)
    except Unauthenticated:
        credential = _offered_ticket(connection)
    if not tickets.is_one(credential):  # a key counts in a header alone: URLs are kept
        return (await authenticate(connection, "read")).tenant
    tenant = tickets.tenant_of(credential, job_id)
    if tenant is None:
        raise Unauthenticated("bad job ticket", public="The ticket is not valid here.")
    return tenant


def _offered_ticket(connection: HTTPConnection) -> str:
    offered: list[str] = connection.scope.get("subprotocols", [])
    beside = (each for each in offered if each.startswith(TICKET_SUBPROTOCOL))
    in_subprotocol = next(beside, "").removeprefix(TICKET_SUBPROTOCOL)
    return connection.query_params.get("ticket") or in_subprotocol
