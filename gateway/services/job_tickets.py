"""Use case: tickets to watch one job, for browsers, which hold no key."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.core.tickets import Tickets
from gateway.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class JobTicket:
    """A ticket that `repr` hides, and when it stops opening a connection."""

    ticket: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class JobTickets:
    """Read-only tickets of one job each. What one opened may outlive it.

    `connect_s`: how long a ticket opens connections.
    """

    tickets: Tickets
    clock: Clock
    connect_s: int

    def issue(self, tenant: str, job_id: str) -> JobTicket:
        """Return a ticket; whose job it is has been looked at by the caller."""
        expires_at = self.clock.now().replace(microsecond=0) + timedelta(seconds=self.connect_s)
        return JobTicket(self.tickets.issue(tenant, job_id, expires_at), expires_at)

    def is_one(self, credential: str) -> bool:
        """True if it claims to be a ticket of a job; nothing is proved by that."""
        return self.tickets.is_one(credential)

    def tenant_of(self, ticket: str, job_id: str) -> str | None:
        """Return whose job the ticket opens; None if forged, expired or for another."""
        return self.tickets.tenant_of(ticket, job_id, self.clock.now())
