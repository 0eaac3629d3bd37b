"""Tickets open one thing, for one purpose, until a time."""

from datetime import timedelta

import pytest

from gateway.core.tickets import Tickets
from tests.support.jobs import NOON

TICKETS = Tickets(b"secret" * 6, "tu_")
EXPIRES = NOON + timedelta(minutes=1)
TICKET = TICKETS.issue("acme", "u1", EXPIRES)


def test_a_ticket_opens_its_thing_until_it_expires():
    assert TICKETS.tenant_of(TICKET, "u1", NOON) == "acme"
    assert TICKETS.tenant_of(TICKET, "u1", EXPIRES - timedelta(seconds=1)) == "acme"
    assert TICKETS.tenant_of(TICKET, "u1", EXPIRES) is None


def test_a_ticket_opens_nothing_else():
    assert TICKETS.tenant_of(TICKET, "u2", NOON) is None
    assert Tickets(b"secret" * 6, "tj_").tenant_of(TICKET, "u1", NOON) is None
    assert Tickets(b"other!" * 6, "tu_").tenant_of(TICKET, "u1", NOON) is None


@pytest.mark.parametrize(
    "forged",
    [
        TICKET.replace("acme", "evil"),
        TICKET.replace(str(int(EXPIRES.timestamp())), str(int(EXPIRES.timestamp()) + 1)),
        TICKET[:-1],
        TICKET + "a",
        TICKET.removeprefix("tu_"),
        "tu_" + TICKET,
        "tu_acme.99999999999999.x",
        "tu_acme.999999999999." + "a" * 52,
        "tu_é.1." + "a" * 52,
        "",
    ],
)
def test_a_ticket_that_was_touched_opens_nothing(forged):
    assert TICKETS.tenant_of(forged, "u1", NOON) is None


def test_tickets_do_not_show_their_secret():
    assert repr(TICKETS) == "Tickets('tu_')"
