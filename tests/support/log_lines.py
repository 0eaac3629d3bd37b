"""What the processes of a local stack have logged; whatever is no line of ours fails here."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from infra.local.stack.local_stack import LocalStack

SHAPE = {"at", "level", "event", "logger"}
Line = dict[str, Any]


def lines_of(stack: LocalStack) -> list[Line]:
    """Return every whole line of its gateways, workers and workers' children."""
    logs = [each.log_path for each in stack.gateways]
    logs += sorted((stack.data / "workers").glob("*/worker.log"))
    whole = [text for log in logs for text in log.read_text("utf-8").split("\n")[:-1]]
    lines: list[Line] = [json.loads(text) for text in whole]
    assert all(line.keys() >= SHAPE for line in lines)
    assert all(text.isascii() and text.isprintable() for text in whole)
    return lines


async def until_logged(
    stack: LocalStack, are_there: Callable[[list[Line]], bool]
) -> list[Line]:
    """Return all lines once those that are waited for are among them."""
    async with asyncio.timeout(60):
        while not are_there(lines := lines_of(stack)):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    return lines
