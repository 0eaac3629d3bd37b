"""What is said of the routes of webhook endpoints."""

from types import MappingProxyType
from typing import Any, Final

from gateway.api.openapi import refusals
from gateway.api.openapi.operation import Access, Answer, Examples, Operation, ok
from gateway.api.openapi.webhook_models import (
    WebhookDelivery,
    WebhookDeliveryPage,
    WebhookEndpoint,
    WebhookEndpointList,
    WebhookEndpointWithSecret,
)

_ENDPOINT_ID: Final = "0198c7a4-11d2-7c40-8b3e-6a1f9d2c7e05"
_ENDPOINT: Final[dict[str, Any]] = {
    "id": _ENDPOINT_ID,
    "url": "https://hooks.example.com/cutroom",
    "events": ["job.succeeded", "job.failed"],
    "description": "production",
    "enabled": True,
    "disabled_for": None,
    "failing_since": None,
    "previous_secret_until": None,
    "created_at": "2026-11-21T12:00:00.000000Z",
    "updated_at": "2026-11-21T12:00:00.000000Z",
}
_WITH_SECRET: Final = {**_ENDPOINT, "secret": "whsec_…"}
_PENDING: Final[dict[str, Any]] = {
    "id": "0198c7a4-5b0e-7a91-9c52-3d8e7f6a1b20",
    "endpoint_id": _ENDPOINT_ID,
    "event_id": "evt_0198c7a2-5d10-7c3e-9a41-2f6b8e0d4c11",
    "type": "job.succeeded",
    "status": "pending",
    "created_at": "2026-11-21T12:05:00.000000Z",
    "next_attempt_at": "2026-11-21T12:05:00.000000Z",
    "attempt_count": 0,
    "attempts": [],
}
_DELIVERED: Final = {
    **_PENDING,
    "status": "delivered",
    "next_attempt_at": None,
    "attempt_count": 2,
    "attempts": [
        {
            "number": 1,
            "at": "2026-11-21T12:05:00.000000Z",
            "duration_ms": 5001,
            "status_code": None,
            "error": "no connection in time",
            "response_excerpt": None,
        },
        {
            "number": 2,
            "at": "2026-11-21T12:05:10.000000Z",
            "duration_ms": 87,
            "status_code": 204,
            "error": None,
            "response_excerpt": None,
        },
    ],
}

OPERATIONS = MappingProxyType(
    {
        "create_webhook_endpoint": Operation(
            tag="webhooks",
            access=Access.ADMIN,
            summary="Have events sent somewhere",
            says="From now on each event of these types is sent to the address, signed with "
            "the `secret` that this answer alone shows. The address is https on port 443 or "
            "8443, spelled plainly, and every address its name leads to is a public one.",
            answers=(
                ok(
                    "The endpoint, with its secret.",
                    WebhookEndpointWithSecret,
                    _WITH_SECRET,
                    status=201,
                    headers=("Location",),
                ),
            ),
            refusals=(refusals.TARGET_NOT_ALLOWED, refusals.TOO_MANY_WEBHOOK_ENDPOINTS),
            body={
                "everything": {"url": "https://hooks.example.com/cutroom"},
                "some": {
                    "url": "https://hooks.example.com/cutroom",
                    "events": ["job.succeeded", "job.failed"],
                    "description": "production",
                },
            },
        ),
        "list_webhook_endpoints": Operation(
            tag="webhooks",
            access=Access.READ,
            summary="List webhook endpoints",
            says="All of them, oldest first; there are few.",
            answers=(ok("The endpoints.", WebhookEndpointList, {"items": [_ENDPOINT]}),),
        ),
        "read_webhook_endpoint": Operation(
            tag="webhooks",
            access=Access.READ,
            summary="Read a webhook endpoint",
            says="Where it is, what it is told of, and how it is doing.",
            answers=(
                ok(
                    "The endpoint.",
                    WebhookEndpoint,
                    Examples(
                        well=_ENDPOINT,
                        gone={**_ENDPOINT, "enabled": False, "disabled_for": "gone"},
                    ),
                ),
            ),
        ),
        "update_webhook_endpoint": Operation(
            tag="webhooks",
            access=Access.ADMIN,
            summary="Change a webhook endpoint",
            says="What is left out stays as it is. A disabled endpoint is told nothing, and "
            "what was on its way to it is dead; enabled again it begins anew.",
            answers=(ok("The endpoint as it is now.", WebhookEndpoint, _ENDPOINT),),
            refusals=(refusals.TARGET_NOT_ALLOWED,),
            body={"another_address": {"url": _ENDPOINT["url"]}, "enable": {"enabled": True}},
        ),
        "delete_webhook_endpoint": Operation(
            tag="webhooks",
            access=Access.ADMIN,
            summary="Delete a webhook endpoint",
            says="Removes it with all its deliveries.",
            answers=(Answer(204, "It is gone."),),
        ),
        "rotate_webhook_secret": Operation(
            tag="webhooks",
            access=Access.ADMIN,
            summary="Make a new secret",
            says="For 24 hours deliveries carry two signatures, one of each secret, so that "
            "nothing is refused while you replace the old one.",
            answers=(
                ok(
                    "The endpoint, with its new secret.",
                    WebhookEndpointWithSecret,
                    {**_WITH_SECRET, "previous_secret_until": "2026-11-22T12:00:00.000000Z"},
                ),
            ),
        ),
        "test_webhook_endpoint": Operation(
            tag="webhooks",
            access=Access.ADMIN,
            summary="Test a webhook endpoint",
            says="Sends it an event `webhook.test`, whatever it wants to hear of. Its "
            "deliveries say what came of it.",
            answers=(ok("The delivery, on its way.", WebhookDelivery, _PENDING, status=201),),
            refusals=(refusals.WEBHOOK_ENDPOINT_DISABLED,),
        ),
        "list_webhook_deliveries": Operation(
            tag="webhooks",
            access=Access.READ,
            summary="List deliveries",
            says="Newest first, with every attempt and how it was answered. Kept for a week, "
            "unless set otherwise.",
            answers=(
                ok(
                    "A page.",
                    WebhookDeliveryPage,
                    {"items": [_DELIVERED], "next_cursor": None},
                ),
            ),
            refusals=(refusals.BAD_CURSOR,),
        ),
        "replay_webhook_delivery": Operation(
            tag="webhooks",
            access=Access.ADMIN,
            summary="Replay a delivery",
            says="Sends it once more, at once and then as any other, under the same "
            "`webhook-id`: a receiver that remembers ids does nothing twice.",
            answers=(ok("The delivery, on its way again.", WebhookDelivery, _PENDING),),
            refusals=(refusals.WEBHOOK_ENDPOINT_DISABLED,),
        ),
    }
)
