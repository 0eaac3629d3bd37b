"""Checking a long input holds up nobody else on the gateway's loop."""

import asyncio
import threading
from typing import Annotated

import pytest
from pydantic import AfterValidator

from gateway.services.job_request import CHECKED_AT_ONCE
from shared.job_kind import JobKind, PriceRule, Wire
from tests.support.jobs import memory_stores
from tests.support.world import CopyOutput, a_world

PATIENCE_S = 30


class Checks:
    """A check that does not end before somebody else on the loop has had a turn."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.others_had_a_turn = threading.Event()
        self.waited: list[bool] = []

    def __call__(self, numbers: list[int]) -> list[int]:
        self.begun.set()
        if len(numbers) > CHECKED_AT_ONCE:
            self.waited.append(self.others_had_a_turn.wait(PATIENCE_S))
        return numbers


@pytest.fixture
def checks():
    return Checks()


@pytest.fixture
async def world(tmp_path, checks):
    class Numbers(Wire):
        numbers: Annotated[list[int], AfterValidator(checks)]

    kind = JobKind(
        name="test.copy",
        version=1,
        description="Takes numbers.",
        input=Numbers,
        output=CopyOutput,
        outputs={"video": "video/mp4"},
        stages=("render",),
        compute="gpu",
        price=PriceRule(lambda *_: 10.0, lambda *_: 1.0, "flat"),
        deadline_s=60,
    )
    async with a_world(memory_stores, tmp_path, offered={kind.name: kind}) as world:
        yield world


@pytest.mark.parametrize("key", [None, "k"])
async def test_others_have_a_turn_while_a_long_input_is_checked(world, checks, key):
    long = {"numbers": [0] * (CHECKED_AT_ONCE + 1)}
    submitting = asyncio.create_task(world.submit(input=long, key=key))
    await asyncio.to_thread(checks.begun.wait, PATIENCE_S)
    others_id = await world.submit(input={"numbers": [1]})
    checks.others_had_a_turn.set()
    long_id = await submitting
    assert set(checks.waited) == {True}
    made = [await world.job(each) for each in (others_id, long_id)]
    assert [len(job.input["numbers"]) for job in made] == [1, CHECKED_AT_ONCE + 1]
