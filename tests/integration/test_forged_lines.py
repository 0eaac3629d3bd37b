"""What callers and workers send into the log stays inside the line that tells of it."""

import io
import json
import logging
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from shared.logs import JsonLines
from tests.support.world import calling

FORGED = '\r\n{"at": "now", "level": "INFO", "event": "forged", "logger": "x"}\n\x1b[2J\u2028'


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """Everything logged at INFO and above, as the gateway writes it."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.setLevel(logging.INFO)
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


async def test_d149_nothing_that_is_sent_begins_a_line_of_its_own(world, said):
    headers = await world.a_key() | {"traceparent": FORGED.encode(), "X-Request-ID": "\x0b"}
    async with calling(world, headers) as client:
        await client.get(f"/v1/jobs/{quote(FORGED)}")
        await client.post(f"/v1/{quote(FORGED)}", json={"kind": FORGED})
        upload = {"filename": FORGED, "content_type": "video/mp4", "size_bytes": 5}
        await client.post("/v1/uploads", json=upload)
        job = {"kind": "test.copy", "input": {"n": 1}, "labels": {"a": FORGED[:60]}}
        await client.post("/v1/jobs", json=job)
    await world.gateway.perform()
    worker = world.newest_worker()
    worker.runpod_id = FORGED
    await worker.claim(nonce="n-1")
    await worker.fail("temporary", message=FORGED)

    lines = said.getvalue().split("\n")
    assert lines.pop() == ""
    assert all(line.isascii() and line.isprintable() for line in lines)
    told = [json.loads(line) for line in lines]
    assert len(told) > 6
    assert {each["event"] for each in told} >= {"request.answered", "job.changed"}
    assert "forged" not in {each["event"] for each in told}
    assert any(FORGED in each.get("path", "") for each in told)
