"""A signal ends the work once, and lets it clear up."""

import asyncio
import signal

import pytest

from cli.until_told import Told, run_until_told


def test_work_that_ends_by_itself_gives_its_result():
    async def work() -> int:
        return 7

    assert run_until_told(work()) == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it(number):
    async def work() -> None:
        signal.raise_signal(number)
        await asyncio.Event().wait()

    with pytest.raises(Told) as told:
        run_until_told(work())
    assert told.value.number is number


def test_a_second_signal_does_not_cut_the_clearing_up_short():
    cleared: list[str] = []

    async def work() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            cleared.append("all of it")

    with pytest.raises(Told):
        run_until_told(work())
    assert cleared == ["all of it"]


def test_a_failure_is_not_taken_for_an_end_that_was_asked_for():
    async def work() -> None:
        signal.raise_signal(signal.SIGINT)
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        run_until_told(work())
