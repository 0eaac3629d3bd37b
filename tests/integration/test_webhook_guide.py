"""What `docs/webhooks.md` tells a receiver to do, done."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.core.webhooks import (
    EVENT_TYPES,
    PAUSES_S,
    TEST,
    Secrets,
    payload,
    signed_headers,
)
from gateway.services.deliver_webhooks import TRY_WITHIN_S, USER_AGENT

GUIDE = Path("docs/webhooks.md").read_text(encoding="utf-8")
SECRETS = Secrets(b"k" * 32)
BODY = payload("job.failed", datetime.now(UTC), {"job": {"id": "j1"}}).encode()


@pytest.fixture(scope="module")
def told():
    """The functions of the guide's examples, by name."""
    found = {}
    for code in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(code, found)  # noqa: S102 - our own guide
    return found


def sent(*salts, at=None):
    keys = [SECRETS.of(each) for each in salts]
    return signed_headers("evt_1", at or datetime.now(UTC), BODY, keys)


@pytest.mark.parametrize("salts", [["a"], ["new", "a"]], ids=["alone", "rotating"])
def test_both_examples_take_what_was_signed(told, salts):
    assert told["event_of"](SECRETS.shown("a"), sent(*salts), BODY)["type"] == "job.failed"
    assert told["is_ours"](SECRETS.shown("a"), sent(*salts), BODY)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (sent("other"), BODY),
        (sent("a"), BODY + b" "),
        (sent("a", at=datetime.now(UTC) - timedelta(minutes=6)), BODY),
    ],
    ids=["another secret", "another body", "old"],
)
def test_both_examples_refuse_what_was_not(told, headers, body):
    assert told["event_of"](SECRETS.shown("a"), headers, body) is None
    assert not told["is_ours"](SECRETS.shown("a"), headers, body)


def test_the_guide_says_what_holds():
    pauses = "5 seconds, 1, 5, 15 and 30 minutes, 1, 2, 3, 4, 6 and 7 hours"
    minutes, hours = (1, 5, 15, 30), (1, 2, 3, 4, 6, 7)
    assert (5, *(60 * each for each in minutes), *(3600 * each for each in hours)) == PAUSES_S
    assert pauses in GUIDE
    assert all(f"`{each}`" in GUIDE for each in (*EVENT_TYPES, TEST))
    assert f"after {TRY_WITHIN_S:.0f} seconds a try counts as failed" in GUIDE
    assert f"user-agent: {USER_AGENT}" in GUIDE
