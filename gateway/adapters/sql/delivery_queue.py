"""Deliveries that are left, leased and tried, in SQL."""

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import SqlEngine, Statement
from gateway.adapters.sql.job_changes import NEVER_LEASED
from gateway.adapters.sql.rows import to_instant, to_text
from gateway.adapters.sql.webhook_rows import DELIVERY, delivery_of, log_text
from gateway.core.webhooks import TRIES_SHOWN, Delivery
from gateway.ports.delivery_queue import DeliveryQueue, DueEndpoint, Tried

_DUE = "due_at <= ? AND lease_until <= ?"
# From one endpoint with anything to try to the next, past all deliveries between: as many
# steps as there are such endpoints, however many wait for each.
_DUE_ENDPOINTS = (
    "WITH RECURSIVE waiting (id) AS ("
    "SELECT min(endpoint_id) FROM webhook_deliveries WHERE due_at IS NOT NULL "
    "UNION ALL SELECT (SELECT min(d.endpoint_id) FROM webhook_deliveries d "
    "WHERE d.due_at IS NOT NULL AND d.endpoint_id > waiting.id) "
    "FROM waiting WHERE waiting.id IS NOT NULL) "
    "SELECT e.id, e.failing_since FROM waiting CROSS JOIN webhook_endpoints e "
    "WHERE e.id = waiting.id AND EXISTS (SELECT 1 FROM webhook_deliveries d "
    f"WHERE d.endpoint_id = waiting.id AND {_DUE})"
)


class SqlDeliveryQueue(DeliveryQueue):
    """Table `webhook_deliveries`, and of `webhook_endpoints` how each endpoint fares."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def add(self, deliveries: Sequence[Delivery]) -> None:
        if deliveries:
            await self._engine.batch([_insert(each) for each in deliveries])

    @override
    async def due(self, now: datetime) -> list[DueEndpoint]:
        rows = await self._engine.fetch(_DUE_ENDPOINTS, (to_text(now),) * 2)
        return [DueEndpoint(row["id"], row["failing_since"] is not None) for row in rows]

    @override
    async def lease(
        self, endpoint_id: str, now: datetime, until: datetime, op: str, limit: int
    ) -> list[Delivery]:
        due = (to_text(now),) * 2
        found = await self._engine.fetch(
            f"SELECT id FROM webhook_deliveries WHERE endpoint_id = ? AND {_DUE} "
            "ORDER BY due_at, id LIMIT ?",
            (endpoint_id, *due, limit),
        )
        if not found:
            return []
        answers = await self._engine.batch(
            [
                (
                    "UPDATE webhook_deliveries SET lease_until = ?, lease_op = ? "
                    f"WHERE id = ? AND {_DUE} RETURNING {DELIVERY}",
                    (to_text(until), op, row["id"], *due),
                )
                for row in found
            ]
        )
        return [delivery_of(rows[0]) for rows in answers if rows]

    @override
    async def note_try(self, tried: Tried) -> bool:
        noted, *_ = await self._engine.batch([_note(tried), *_health(tried)])
        return bool(noted)

    @override
    async def give_back(self, delivery_id: str, op: str) -> bool:
        [rows] = await self._engine.batch(
            [
                (
                    "UPDATE webhook_deliveries SET lease_until = ?, lease_op = NULL "
                    "WHERE id = ? AND lease_op = ? RETURNING id",
                    (NEVER_LEASED, delivery_id, op),
                )
            ]
        )
        return bool(rows)

    @override
    async def next_due(self) -> datetime | None:
        rows = await self._engine.fetch(
            "SELECT due_at FROM webhook_deliveries WHERE due_at IS NOT NULL "
            "ORDER BY due_at LIMIT 1"
        )
        return to_instant(rows[0]["due_at"]) if rows else None


def _insert(delivery: Delivery) -> Statement:
    """A row of its own, unless it is there or its endpoint takes none."""
    columns = f"{DELIVERY}, lease_until"
    return (
        f"INSERT INTO webhook_deliveries ({columns}) SELECT {', '.join('?' * 15)} "
        "WHERE EXISTS (SELECT 1 FROM webhook_endpoints "
        "WHERE id = ? AND tenant = ? AND disabled_for IS NULL) "
        "ON CONFLICT DO NOTHING",
        (
            delivery.delivery_id,
            delivery.tenant,
            delivery.endpoint_id,
            delivery.event_id,
            delivery.event_type,
            delivery.status,
            delivery.round,
            delivery.tries,
            delivery.round_tries,
            log_text(delivery.log),
            to_text(delivery.created_at),
            to_text(delivery.retry_until),
            to_text(delivery.due_at) if delivery.due_at else None,
            delivery.body,
            NEVER_LEASED,
            delivery.endpoint_id,
            delivery.tenant,
        ),
    )


def _note(tried: Tried) -> Statement:
    log = (*tried.delivery.log, tried.tried)[-TRIES_SHOWN:]
    return (
        "UPDATE webhook_deliveries SET status = ?, tries = tries + 1, "
        "round_tries = round_tries + 1, log = ?, due_at = ?, lease_until = ?, "
        "lease_op = NULL WHERE id = ? AND lease_op = ? RETURNING id",
        (
            tried.status,
            log_text(log),
            to_text(tried.due_at) if tried.due_at else None,
            NEVER_LEASED,
            tried.delivery.delivery_id,
            tried.op,
        ),
    )


def _health(tried: Tried) -> list[Statement]:
    """What the endpoint's row and its other deliveries learn of a try."""
    mine = (tried.delivery.endpoint_id, tried.delivery.tenant)
    at = to_text(tried.tried.at)
    if tried.tried.succeeded:
        well = "UPDATE webhook_endpoints SET failing_since = NULL WHERE id = ? AND tenant = ?"
        return [(f"{well} AND failing_since IS NOT NULL", mine)]
    ill = (
        "UPDATE webhook_endpoints SET failing_since = ? "
        "WHERE id = ? AND tenant = ? AND failing_since IS NULL"
    )
    if tried.disabled_for is None:
        return [(ill, (at, *mine))]
    disable = (
        "UPDATE webhook_endpoints SET disabled_for = ?, updated_at = ? "
        "WHERE id = ? AND tenant = ? AND disabled_for IS NULL"
    )
    return [
        (ill, (at, *mine)),
        (disable, (tried.disabled_for, at, *mine)),
        end_pending(*mine),
    ]


def end_pending(endpoint_id: str, tenant: str) -> Statement:
    """What is still to be sent to an endpoint is sent no more."""
    return (
        "UPDATE webhook_deliveries SET status = 'dead', due_at = NULL, lease_op = NULL "
        "WHERE endpoint_id = ? AND tenant = ? AND due_at IS NOT NULL",
        (endpoint_id, tenant),
    )
