"""The bodies of webhook endpoints; addresses in every spelling are in `test_targets`."""

import json

from gateway.core.webhooks import EVENT_TYPES
from tests.attack.tables.routes import Fields, Route
from tests.attack.tables.values import NULL, Wrong, items, known, said, text, truth, wrong

GOOD_URL = "https://hooks.example.com/in"
_ODD = (
    *("x", "hooks.example.com", "//hooks.example.com/", "http://hooks.example.com/"),
    *("https://hooks.example.com:22/", "https://user:pw@hooks.example.com/", "https://"),
    *("https://127.0.0.1/", "https://[::1]/", "https://[::ffff:169.254.169.254]/"),
    *("https://169.254.169.254/latest/meta-data/", "https://2130706433/", "https://0x7f.1/"),
    *("https://localhost/", "https://gateway.internal/", "https://hooks.example.com./"),
    *("https://nowhere.example.com/", "https://hooks.example.com/ x", "file:///etc/passwd"),
    *("https://hooks.example.com\\@127.0.0.1/", "https://bücher.example/", "javascript:1"),
    *("https://hooks.example.com/\r\nX-Injected: 1", "https://[fe80::1%25eth0]/", "\u202e"),
)


def _fields(*, optional: bool) -> Fields:
    return {
        "url": (
            *text(1, 2048, null=optional, missing=not optional),
            *said((wrong(json.dumps(each)) for each in _ODD), code="target_not_allowed"),
        ),
        "events": (
            *items(1, 6, '"all"', null=optional, missing=False),
            wrong('["all", "job.failed"]'),
            wrong('["job.failed", "job.failed"]'),
        ),
        "events.0": known(EVENT_TYPES),
        "description": text(0, 200, null=optional, missing=False),
    }


_ENABLED: tuple[Wrong, ...] = tuple(each for each in truth() if each is not NULL)

ROUTES = (
    Route(
        "create_webhook_endpoint",
        "POST",
        "/v1/webhook-endpoints",
        lambda _: {"url": GOOD_URL, "events": ["job.failed"], "description": "x"},
        _fields(optional=False),
    ),
    Route(
        "update_webhook_endpoint",
        "PATCH",
        "/v1/webhook-endpoints/{endpoint_id}",
        lambda _: {
            "url": GOOD_URL,
            "events": ["job.failed"],
            "description": "x",
            "enabled": True,
        },
        {**_fields(optional=True), "enabled": _ENABLED},
    ),
)
