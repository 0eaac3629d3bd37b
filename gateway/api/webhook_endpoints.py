"""Webhook endpoints: who is told what, where, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, BaseModel, Field
from starlette.requests import HTTPConnection, Request

from gateway.api.auth import Admin, Reader
from gateway.api.plain_numbers import PLAIN_WHOLE
from gateway.api.said_once import doubled
from gateway.core.snapshot import timestamp
from gateway.core.targets import LONGEST_URL
from gateway.core.webhooks import (
    ALL,
    Delivery,
    DeliveryStatus,
    DeliveryTry,
    DisabledFor,
    WebhookEndpoint,
)
from gateway.ports.webhook_endpoint_store import EndpointChange
from gateway.services.webhook_endpoints import WebhookEndpoints
from shared.errors import FieldError, ValidationFailed
from shared.job_kind import Wire

router = APIRouter(prefix="/v1/webhook-endpoints", tags=["webhooks"])

LONGEST_DESCRIPTION = 200


async def endpoints_of(connection: HTTPConnection) -> WebhookEndpoints:
    """Return the use cases that bootstrap left on the application."""
    found: WebhookEndpoints = connection.app.state.webhook_endpoints
    return found


EndpointUseCases = Annotated[WebhookEndpoints, Depends(endpoints_of)]


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of a list is wanted."""

    limit: int
    cursor: str | None


async def _page(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100), PLAIN_WHOLE] = 20,
    cursor: str | None = None,
) -> Page:
    wrong = doubled(request)
    wrong += [
        FieldError.at((name,), "is no parameter of this list")
        for name in request.query_params
        if name not in {"limit", "cursor"}
    ]
    if wrong:
        raise ValidationFailed(wrong)
    return Page(limit, cursor)


def _distinct(events: list[str]) -> list[str]:
    if len(set(events)) < len(events):
        raise ValueError("names an event twice")
    if ALL in events and len(events) > 1:
        raise ValueError(f"{ALL} stands alone")
    return events


EventType = Literal[
    "all",
    "job.succeeded",
    "job.failed",
    "job.cancelled",
    "job.expired",
    "budget.alert",
]
Url = Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]
Events = Annotated[
    list[EventType],
    Field(min_length=1, max_length=6, fail_fast=True),
    AfterValidator(_distinct),
]
Description = Annotated[str, Field(max_length=LONGEST_DESCRIPTION)]


class EndpointRequest(Wire):
    """A new endpoint: an address that is public and speaks https, and what it is told."""

    url: Url
    events: Events = ["all"]
    description: Description = ""


class EndpointUpdate(Wire):
    """What is to be changed; what is left out or null stays as it is."""

    url: Url | None = None
    events: Events | None = None
    description: Description | None = None
    enabled: bool | None = Field(None, strict=True)


class EndpointView(BaseModel):
    """An endpoint as its owner sees it."""

    id: str
    url: str
    events: list[str]
    description: str
    enabled: bool
    disabled_for: DisabledFor | None
    failing_since: str | None
    previous_secret_until: str | None
    created_at: str
    updated_at: str


class EndpointWithSecret(EndpointView):
    """An endpoint with its secret, which no other answer shows."""

    secret: str


class EndpointList(BaseModel):
    """All of a tenant's endpoints, oldest first."""

    items: list[EndpointView]


class TryView(BaseModel):
    """One request that was made."""

    number: int
    at: str
    duration_ms: int
    status_code: int | None
    error: str | None
    response_excerpt: str | None


class DeliveryView(BaseModel):
    """One event on its way to one endpoint; `attempts` are the newest twenty."""

    id: str
    endpoint_id: str
    event_id: str
    type: str
    status: DeliveryStatus
    created_at: str
    next_attempt_at: str | None
    attempt_count: int
    attempts: list[TryView]


class DeliveryPageView(BaseModel):
    """Deliveries, newest first."""

    items: list[DeliveryView]
    next_cursor: str | None


@router.post("", status_code=201)
async def create_webhook_endpoint(
    asked: EndpointRequest, caller: Admin, endpoints: EndpointUseCases, response: Response
) -> EndpointWithSecret:
    """Have events sent to an address; the secret is shown in this answer alone."""
    made, secret = await endpoints.create(
        caller.tenant, asked.url, asked.events, asked.description
    )
    response.headers["Location"] = f"/v1/webhook-endpoints/{made.endpoint_id}"
    response.headers["Cache-Control"] = "no-store"
    return _with_secret(endpoints, made, secret)


@router.get("")
async def list_webhook_endpoints(caller: Reader, endpoints: EndpointUseCases) -> EndpointList:
    """List all endpoints, oldest first."""
    found = await endpoints.all(caller.tenant)
    return EndpointList(items=[_view(endpoints, each) for each in found])


@router.get("/{endpoint_id}")
async def read_webhook_endpoint(
    endpoint_id: str, caller: Reader, endpoints: EndpointUseCases
) -> EndpointView:
    """Read one endpoint."""
    return _view(endpoints, await endpoints.get(caller.tenant, endpoint_id))


@router.patch("/{endpoint_id}")
async def update_webhook_endpoint(
    endpoint_id: str, asked: EndpointUpdate, caller: Admin, endpoints: EndpointUseCases
) -> EndpointView:
    """Change one endpoint, disable it, or enable it again."""
    change = EndpointChange(
        url=asked.url,
        events=None if asked.events is None else tuple(asked.events),
        description=asked.description,
        enabled=asked.enabled,
    )
    return _view(endpoints, await endpoints.change(caller.tenant, endpoint_id, change))


@router.delete("/{endpoint_id}", status_code=204)
async def delete_webhook_endpoint(
    endpoint_id: str, caller: Admin, endpoints: EndpointUseCases
) -> None:
    """Remove one endpoint, with its deliveries."""
    await endpoints.remove(caller.tenant, endpoint_id)


@router.post("/{endpoint_id}/rotate")
async def rotate_webhook_secret(
    endpoint_id: str, caller: Admin, endpoints: EndpointUseCases, response: Response
) -> EndpointWithSecret:
    """Make a new secret; the old one signs beside it for a day."""
    endpoint, secret = await endpoints.rotate(caller.tenant, endpoint_id)
    response.headers["Cache-Control"] = "no-store"
    return _with_secret(endpoints, endpoint, secret)


@router.post("/{endpoint_id}/test", status_code=201)
async def test_webhook_endpoint(
    endpoint_id: str, caller: Admin, endpoints: EndpointUseCases
) -> DeliveryView:
    """Send an event that says nothing; what becomes of it stands among the deliveries."""
    return _delivery(await endpoints.test(caller.tenant, endpoint_id))


@router.get("/{endpoint_id}/deliveries")
async def list_webhook_deliveries(
    endpoint_id: str,
    caller: Reader,
    endpoints: EndpointUseCases,
    page: Annotated[Page, Depends(_page)],
) -> DeliveryPageView:
    """List an endpoint's deliveries, newest first."""
    found = await endpoints.deliveries(
        caller.tenant, endpoint_id, limit=page.limit, cursor=page.cursor
    )
    return DeliveryPageView(
        items=[_delivery(each) for each in found.deliveries], next_cursor=found.next_cursor
    )


@router.post("/deliveries/{delivery_id}/replay")
async def replay_webhook_delivery(
    delivery_id: str, caller: Admin, endpoints: EndpointUseCases
) -> DeliveryView:
    """Send a delivery once more, whatever became of it."""
    return _delivery(await endpoints.replay(caller.tenant, delivery_id))


def _view(endpoints: WebhookEndpoints, endpoint: WebhookEndpoint) -> EndpointView:
    rotating = len(endpoint.salts(endpoints.clock.now())) > 1
    return EndpointView(
        id=endpoint.endpoint_id,
        url=endpoint.url,
        events=list(endpoint.events),
        description=endpoint.description,
        enabled=endpoint.is_enabled,
        disabled_for=endpoint.disabled_for,
        failing_since=timestamp(endpoint.failing_since),
        previous_secret_until=timestamp(endpoint.previous_until) if rotating else None,
        created_at=timestamp(endpoint.created_at) or "",
        updated_at=timestamp(endpoint.updated_at) or "",
    )


def _with_secret(
    endpoints: WebhookEndpoints, endpoint: WebhookEndpoint, secret: str
) -> EndpointWithSecret:
    return EndpointWithSecret(**_view(endpoints, endpoint).model_dump(), secret=secret)


def _delivery(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.delivery_id,
        endpoint_id=delivery.endpoint_id,
        event_id=delivery.event_id,
        type=delivery.event_type,
        status=delivery.status,
        created_at=timestamp(delivery.created_at) or "",
        next_attempt_at=timestamp(delivery.due_at),
        attempt_count=delivery.tries,
        attempts=_tries(delivery.log),
    )


def _tries(log: Sequence[DeliveryTry]) -> list[TryView]:
    return [
        TryView(
            number=each.number,
            at=timestamp(each.at) or "",
            duration_ms=each.duration_ms,
            status_code=each.status_code,
            error=each.error,
            response_excerpt=each.excerpt,
        )
        for each in log
    ]
