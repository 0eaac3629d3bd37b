"""How webhooks are signed, when they are tried again, and what becomes of an endpoint."""

from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from gateway.api.webhook_endpoints import EventType
from gateway.core import webhooks
from gateway.core.webhooks import (
    ALL,
    EVENT_TYPES,
    EXCERPT_CHARACTERS,
    FAILING_FOR,
    PAUSES_S,
    RETRIED_FOR,
    DeliveryStatus,
    DeliveryTry,
    DisabledFor,
    Secrets,
    WebhookEndpoint,
    after_try,
    excerpt_of,
    next_try_at,
    payload,
    signed_headers,
)
from gateway.services.announce_event import new_delivery
from tests.support.jobs import NOON

SECRETS = Secrets(b"k" * 32)
BODY = payload("job.succeeded", NOON, {"job": {"id": "j1", "labels": {"é": "😀"}}}).encode()


def now():
    return datetime.now(UTC)  # which is what a receiver compares with


@pytest.mark.parametrize("salt", ["5a17", "01d5a17"])
def test_a_receiver_verifies_what_either_secret_signed(salt):
    headers = signed_headers("evt_1", now(), BODY, [SECRETS.of("5a17"), SECRETS.of("01d5a17")])
    said = Webhook(SECRETS.shown(salt)).verify(BODY, headers)
    assert said["type"] == "job.succeeded"
    assert said["timestamp"] == "2026-11-21T12:00:00.000000Z"
    assert len(headers["webhook-signature"].split()) == 2


@pytest.mark.parametrize(
    "alter",
    [
        lambda headers, body: (headers, body.replace(b"j1", b"j2")),
        lambda headers, body: ({**headers, "webhook-id": "evt_2"}, body),
        lambda headers, body: (
            {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)},
            body,
        ),
    ],
    ids=["body", "id", "time"],
)
def test_a_receiver_refuses_what_was_altered(alter):
    headers = signed_headers("evt_1", now(), BODY, [SECRETS.of("5a17")])
    headers, body = alter(headers, BODY)
    with pytest.raises(WebhookVerificationError, match="No matching"):
        Webhook(SECRETS.shown("5a17")).verify(body, headers)


@pytest.mark.parametrize("away_s", [-301, 301])
def test_a_receiver_refuses_what_is_old_or_early(away_s):
    at = now() + timedelta(seconds=away_s)
    headers = signed_headers("evt_1", at, BODY, [SECRETS.of("5a17")])
    with pytest.raises(WebhookVerificationError, match="timestamp too"):
        Webhook(SECRETS.shown("5a17")).verify(BODY, headers)


def test_each_salt_makes_a_secret_of_its_own_and_so_does_each_installation():
    made = {SECRETS.of("a"), SECRETS.of("b"), Secrets(b"x" * 32).of("a")}
    assert len(made) == 3
    assert b64decode(SECRETS.shown("a").removeprefix("whsec_")) == SECRETS.of("a")
    assert "k" not in repr(SECRETS)


def an_endpoint(**fields):
    given = WebhookEndpoint(
        "w1", "default", "https://hooks.example.com/token", ("all",), "", "5a17", NOON, NOON
    )
    return replace(given, **fields)


def test_an_endpoint_shows_no_address_and_no_salt():
    shown = repr(an_endpoint(previous_salt="01d5a17"))
    assert "token" not in shown
    assert "5a17" not in shown


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        (("all",), set(EVENT_TYPES)),
        (("job.failed", "job.expired"), {"job.failed", "job.expired"}),
    ],
)
def test_an_endpoint_hears_of_what_it_wants(events, wanted):
    endpoint = an_endpoint(events=events)
    assert {each for each in EVENT_TYPES if endpoint.wants(each)} == wanted
    disabled = replace(endpoint, disabled_for=DisabledFor.OWNER)
    assert not any(disabled.wants(each) for each in EVENT_TYPES)


def test_the_route_takes_the_types_there_are():
    assert get_args(EventType) == (ALL, *EVENT_TYPES)


def test_the_secret_before_signs_for_a_day_and_no_longer():
    until = NOON + webhooks.SECRET_OVERLAP
    rotated = an_endpoint(salt="new", previous_salt="old", previous_until=until)
    assert rotated.salts(until - timedelta(seconds=1)) == ["new", "old"]
    assert rotated.salts(until) == ["new"]


def tries(name):
    """Return when each try comes, where none is taken and each takes no time."""
    found, at = [], NOON
    while at is not None:
        found.append(at)
        at = next_try_at(len(found), at, NOON + RETRIED_FOR, name)
    return found


@given(st.text(max_size=20))
def test_tries_go_on_for_a_day_with_growing_pauses_and_the_last_one_at_its_end(name):
    at = tries(name)
    pauses = [(b - a).total_seconds() for a, b in pairwise(at)]
    assert at[-1] == NOON + RETRIED_FOR
    assert len(at) in {len(PAUSES_S) + 1, len(PAUSES_S) + 2}
    for pause, planned in zip(pauses[:-2], PAUSES_S, strict=False):
        assert 0.9 * planned <= pause <= 1.1 * planned


def test_what_failed_together_is_not_tried_again_together():
    assert len({tries(f"d{n}")[1] for n in range(20)}) == 20


def test_a_try_that_comes_late_is_the_last():
    late = NOON + RETRIED_FOR + timedelta(hours=5)
    assert next_try_at(1, late, NOON + RETRIED_FOR, "d1") is None


def tried(at=NOON, **said):
    return DeliveryTry(1, at, 3, **said)


def outcome(endpoint=None, **said):
    endpoint = endpoint or an_endpoint()
    delivery = new_delivery("d1", endpoint, "evt_1", "job.failed", "{}", NOON)
    return after_try(delivery, tried(**said), endpoint)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status):
    assert outcome(status_code=status) == (DeliveryStatus.DELIVERED, None, None)


@pytest.mark.parametrize("status", [100, 199, 300, 301, 307, 400, 401, 404, 409, 429, 500, 503])
def test_d98_any_other_answer_is_tried_again_a_redirect_too(status):
    assert outcome(status_code=status)[0] is DeliveryStatus.PENDING


def test_no_answer_is_tried_again():
    assert outcome(error="no answer in time")[0] is DeliveryStatus.PENDING


def test_a_receiver_that_is_gone_ends_the_delivery_and_the_endpoint():
    assert outcome(status_code=410) == (DeliveryStatus.DEAD, None, DisabledFor.GONE)


@pytest.mark.parametrize(
    ("failing_for", "disabled_for"),
    [
        (None, None),
        (FAILING_FOR - timedelta(seconds=1), None),
        (FAILING_FOR, DisabledFor.FAILING),
    ],
)
def test_an_endpoint_that_took_nothing_for_days_is_given_up(failing_for, disabled_for):
    at = NOON + RETRIED_FOR
    since = at - failing_for if failing_for else None
    found = outcome(an_endpoint(failing_since=since), at=at, status_code=500)
    assert found == (DeliveryStatus.DEAD, None, disabled_for)


def test_an_excerpt_is_short_and_printable_and_repeats_no_signature():
    echo = b"got v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4= and whsec_MfKQ9r8G\x00\x1b[31m"
    excerpt = excerpt_of(echo + b"\xff" * 5000)
    assert excerpt.startswith("got … and …")
    assert excerpt.isprintable()
    assert len(excerpt) <= EXCERPT_CHARACTERS
    assert excerpt_of(b" \n") is None
