"""Tenants: who owns everything, by a name that the operator chooses."""

from dataclasses import dataclass
from datetime import datetime

from shared.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as it is kept; while it is suspended, none of its keys opens anything."""

    name: str
    created_at: datetime
    suspended_at: datetime | None = None


def suspended(tenant: str) -> Forbidden:
    """Return what a suspended tenant is told, who has proved to be that tenant."""
    return Forbidden(f"tenant {tenant} is suspended", public="This tenant is suspended.")
