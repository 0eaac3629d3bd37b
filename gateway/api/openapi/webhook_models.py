"""What answers about webhook endpoints look like."""

from datetime import datetime

from pydantic import BaseModel, Field

from gateway.core.webhooks import DeliveryStatus, DisabledFor


class WebhookEndpoint(BaseModel):
    """An address that events are sent to."""

    id: str
    url: str
    events: list[str] = Field(description="What it is told of; `all` is everything there is.")
    description: str
    enabled: bool
    disabled_for: DisabledFor | None = Field(
        description="Why it is told nothing: `owner` (you said so), `gone` (it answered 410) "
        "or `failing` (it took nothing for days)."
    )
    failing_since: datetime | None = Field(
        description="Since when it has taken nothing; null where it took the last delivery."
    )
    previous_secret_until: datetime | None = Field(
        description="Until when the secret before this one signs too; null where none does."
    )
    created_at: datetime
    updated_at: datetime


class WebhookEndpointWithSecret(WebhookEndpoint):
    """An endpoint with its secret."""

    secret: str = Field(description="`whsec_…`. Keep it now: no other answer shows it.")


class WebhookEndpointList(BaseModel):
    """All endpoints, oldest first."""

    items: list[WebhookEndpoint]


class WebhookAttempt(BaseModel):
    """One request that was made."""

    number: int
    at: datetime
    duration_ms: int
    status_code: int | None = Field(description="What came back; null where nothing did.")
    error: str | None = Field(description="Why nothing came back.")
    response_excerpt: str | None = Field(description="How the answer's body begins.")


class WebhookDelivery(BaseModel):
    """One event on its way to one endpoint."""

    id: str
    endpoint_id: str
    event_id: str = Field(description="The `webhook-id` it is sent with, at every attempt.")
    type: str
    status: DeliveryStatus = Field(
        description="`pending` (it is, or will be, tried), `delivered` (it was answered 2xx) "
        "or `dead` (given up; replay it)."
    )
    created_at: datetime
    next_attempt_at: datetime | None = Field(description="Null unless it is pending.")
    attempt_count: int
    attempts: list[WebhookAttempt] = Field(description="The newest twenty, oldest first.")


class WebhookDeliveryPage(BaseModel):
    """Deliveries, newest first."""

    items: list[WebhookDelivery]
    next_cursor: str | None = Field(description="Ask for the next page with it.")
