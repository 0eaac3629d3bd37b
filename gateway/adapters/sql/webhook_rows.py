"""Turn webhook endpoints and deliveries into rows and back."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from gateway.adapters.sql.engine import Row, Value
from gateway.adapters.sql.rows import to_instant, to_json, to_text
from gateway.core.webhooks import (
    Delivery,
    DeliveryStatus,
    DeliveryTry,
    DisabledFor,
    WebhookEndpoint,
)

ENDPOINT = (
    "id, tenant, url, events, description, salt, previous_salt, previous_until, "
    "disabled_for, failing_since, created_at, updated_at"
)
BESIDE_BODY = (
    "id, tenant, endpoint_id, event_id, event_type, status, round, tries, round_tries, log, "
    "created_at, retry_until, due_at"
)
DELIVERY = f"{BESIDE_BODY}, body"


def endpoint_cells(endpoint: WebhookEndpoint) -> list[Value]:
    """Return the values of `ENDPOINT`'s columns."""

    def text(at: datetime | None) -> str | None:
        return to_text(at) if at else None

    return [
        endpoint.endpoint_id,
        endpoint.tenant,
        endpoint.url,
        to_json(endpoint.events),
        endpoint.description,
        endpoint.salt,
        endpoint.previous_salt,
        text(endpoint.previous_until),
        endpoint.disabled_for,
        text(endpoint.failing_since),
        text(endpoint.created_at),
        text(endpoint.updated_at),
    ]


def first_endpoint(rows: Sequence[Row]) -> WebhookEndpoint | None:
    """Return the endpoint of the one row there is, if any."""
    return endpoint_of(rows[0]) if rows else None


def endpoint_of(row: Row) -> WebhookEndpoint:
    """Return the endpoint a row holds."""

    def instant(name: str) -> datetime | None:
        return to_instant(row[name]) if row[name] else None

    return WebhookEndpoint(
        endpoint_id=row["id"],
        tenant=row["tenant"],
        url=row["url"],
        events=tuple(json.loads(row["events"])),
        description=row["description"],
        salt=row["salt"],
        created_at=to_instant(row["created_at"]),
        updated_at=to_instant(row["updated_at"]),
        previous_salt=row["previous_salt"],
        previous_until=instant("previous_until"),
        disabled_for=DisabledFor(row["disabled_for"]) if row["disabled_for"] else None,
        failing_since=instant("failing_since"),
    )


def delivery_of(row: Row) -> Delivery:
    """Return the delivery a row holds; its body is empty where it was not read."""
    return Delivery(
        delivery_id=row["id"],
        tenant=row["tenant"],
        endpoint_id=row["endpoint_id"],
        event_id=row["event_id"],
        event_type=row["event_type"],
        body=row.get("body", ""),
        created_at=to_instant(row["created_at"]),
        retry_until=to_instant(row["retry_until"]),
        due_at=to_instant(row["due_at"]) if row["due_at"] else None,
        status=DeliveryStatus(row["status"]),
        round=row["round"],
        tries=row["tries"],
        round_tries=row["round_tries"],
        log=tuple(
            DeliveryTry(**{**each, "at": to_instant(each["at"])})
            for each in json.loads(row["log"])
        ),
    )


def log_text(log: Sequence[DeliveryTry]) -> str:
    """Return tries as their column holds them."""
    return to_json([{**asdict(each), "at": to_text(each.at)} for each in log])
