"""Use case: send what is due to webhook endpoints, each apart from the others."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.core.figures import CallFigures, Outcome
from gateway.core.targets import TargetRefused
from gateway.core.webhooks import (
    Delivery,
    DeliveryTry,
    Secrets,
    WebhookEndpoint,
    after_try,
    excerpt_of,
    signed_headers,
)
from gateway.ports.clock import Clock
from gateway.ports.delivery_queue import DeliveryQueue, DueEndpoint, Tried
from gateway.ports.outgoing import (
    Outgoing,
    OutgoingAnswer,
    OutgoingRequest,
    TargetUnreachable,
)
from gateway.ports.webhook_endpoint_store import WebhookEndpointStore
from shared.errors import CutroomError

log = logging.getLogger(__name__)

PEER = "webhooks"  # as its calls are counted
AT_ONCE = 32
AT_ONCE_PER_ENDPOINT = 4
# Of those, for endpoints whose last delivery was not taken: they are tried one at a time, and
# however many there are, they leave room for the others.
AT_ONCE_FAILING = 16
TRY_WITHIN_S = 15.0
# Longer than any try takes, so that nobody sends a delivery beside us.
LEASE_S = 60.0
LOOK_AGAIN_S = 1.0
ANSWER_BYTES = 4096
USER_AGENT = "cutroom-webhooks/1"


@dataclass(frozen=True, slots=True)
class DeliverWebhooks:
    """At least once, in no order; `seconds` is a clock that only goes forward.

    `calls`: where each try is counted, by how it went.
    """

    store: WebhookEndpointStore
    queue: DeliveryQueue
    outgoing: Outgoing
    secrets: Secrets
    clock: Clock
    new_id: Callable[[], str]
    seconds: Callable[[], float]
    calls: CallFigures = field(default_factory=CallFigures)

    async def __call__(self) -> int:
        """Send everything due, and what comes due meanwhile; return how many tries it took."""
        under_way: dict[asyncio.Task[None], DueEndpoint] = {}
        tries = 0
        async with asyncio.TaskGroup() as group:
            while True:
                for endpoint, delivery, op in await self._lease(list(under_way.values())):
                    task = group.create_task(self._try_alone(delivery, op))
                    under_way[task] = endpoint
                    tries += 1
                if not under_way:
                    return tries
                ended, _ = await asyncio.wait(
                    under_way, timeout=LOOK_AGAIN_S, return_when=asyncio.FIRST_COMPLETED
                )
                for task in ended:
                    del under_way[task]

    async def _lease(
        self, under_way: Sequence[DueEndpoint]
    ) -> list[tuple[DueEndpoint, Delivery, str]]:
        """Take as many as may be under way beside those that are, of each endpoint a few."""
        by_endpoint = Counter(each.endpoint_id for each in under_way)
        free = AT_ONCE - len(under_way)
        free_failing = AT_ONCE_FAILING - sum(each.is_failing for each in under_way)
        now = self.clock.now()
        leased = []
        for each in await self.queue.due(now):
            most = 1 if each.is_failing else AT_ONCE_PER_ENDPOINT
            room = min(most - by_endpoint[each.endpoint_id], free)
            room = min(room, free_failing) if each.is_failing else room
            if room <= 0:
                continue
            op, until = self.new_id(), now + timedelta(seconds=LEASE_S)
            taken = await self.queue.lease(each.endpoint_id, now, until, op, room)
            free -= len(taken)
            free_failing -= len(taken) if each.is_failing else 0
            leased += [(each, delivery, op) for delivery in taken]
        return leased

    async def _try_alone(self, delivery: Delivery, op: str) -> None:
        """One whose outcome cannot be noted is sent again when its lease runs out."""
        try:
            await self._try(delivery, op)
        except asyncio.CancelledError:
            # The process stops: give the lease back, so that the next one need not wait.
            with suppress(CutroomError):
                await asyncio.shield(self.queue.give_back(delivery.delivery_id, op))
            raise
        except CutroomError as error:
            log.warning(
                "webhook.not_noted",
                extra={"delivery_id": delivery.delivery_id, "why": str(error)},
            )

    async def _try(self, delivery: Delivery, op: str) -> None:
        endpoint = await self.store.get(delivery.tenant, delivery.endpoint_id)
        if endpoint is None or not endpoint.is_enabled:
            return  # its deliveries have gone, or ended, with it
        tried = await self._send(delivery, endpoint)
        status, due_at, disabled_for = after_try(delivery, tried, endpoint)
        noted = Tried(delivery, op, tried, status, due_at, disabled_for)
        if await self.queue.note_try(noted):
            self._tell(noted)

    async def _send(self, delivery: Delivery, endpoint: WebhookEndpoint) -> DeliveryTry:
        at, begun_s = self.clock.now(), self.seconds()
        answer: OutgoingAnswer | None = None
        why: str | None = None
        try:
            answer = await self.outgoing.send(self._request(delivery, endpoint))
        except TargetRefused as error:
            why = f"target_not_allowed: {error.why}"
        except TargetUnreachable as error:
            why = error.why
        took_s = self.seconds() - begun_s
        self.calls.note(PEER, "deliver", _outcome_of(answer, why), took_s)
        return DeliveryTry(
            number=delivery.tries + 1,
            at=at,
            duration_ms=round(took_s * 1000),
            status_code=answer.status if answer else None,
            error=why,
            excerpt=excerpt_of(answer.body) if answer else None,
        )

    def _request(self, delivery: Delivery, endpoint: WebhookEndpoint) -> OutgoingRequest:
        body, now = delivery.body.encode(), self.clock.now()
        secrets = [self.secrets.of(salt) for salt in endpoint.salts(now)]
        headers = {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            **signed_headers(delivery.event_id, now, body, secrets),
        }
        return OutgoingRequest(
            "POST", endpoint.url, headers, body, TRY_WITHIN_S, answer_bytes=ANSWER_BYTES
        )

    @staticmethod
    def _tell(noted: Tried) -> None:
        """One line for each try, and one where an endpoint is called no more; no address."""
        delivery, tried = noted.delivery, noted.tried
        about = {
            "tenant": delivery.tenant,
            "endpoint_id": delivery.endpoint_id,
            "delivery_id": delivery.delivery_id,
            "event_id": delivery.event_id,
            "type": delivery.event_type,
            "tries": tried.number,
            "status_code": tried.status_code,
            "duration_ms": tried.duration_ms,
        }
        if tried.succeeded:
            log.info("webhook.delivered", extra=about)
        else:
            outcome = "webhook.dead" if noted.due_at is None else "webhook.not_taken"
            log.warning(outcome, extra={**about, "why": tried.error})
        if noted.disabled_for is not None:
            log.warning(
                "webhook.endpoint_disabled",
                extra={
                    "tenant": delivery.tenant,
                    "endpoint_id": delivery.endpoint_id,
                    "why": noted.disabled_for.value,
                },
            )


def _outcome_of(answer: OutgoingAnswer | None, refused: str | None) -> Outcome:
    if answer is None:
        not_allowed = refused is not None and refused.startswith("target_not_allowed")
        return Outcome.REFUSED if not_allowed else Outcome.NO_ANSWER
    if 200 <= answer.status < 300:
        return Outcome.OK
    return Outcome.UNAVAILABLE if answer.status >= 500 else Outcome.REFUSED
