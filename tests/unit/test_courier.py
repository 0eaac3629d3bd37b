"""How a server's deliveries are kept going."""

import asyncio

from gateway.services.courier import Courier
from shared.errors import TryAgainLater

NEVER_S = 3600.0


class Rounds:
    """Counts how often there was delivering; each number can be awaited."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.count = 0
        self.news = asyncio.Condition()

    async def __call__(self):
        async with self.news:
            self.count += 1
            self.news.notify_all()
        if self.errors:
            raise self.errors.pop(0)

    async def reached(self, count):
        async with self.news:
            await asyncio.wait_for(self.news.wait_for(lambda: self.count >= count), 10)


async def test_it_delivers_at_once_and_then_when_woken():
    rounds = Rounds()
    courier = Courier(rounds, look_again_s=NEVER_S)
    async with courier.at_work():
        await rounds.reached(1)
        courier.wake()
        await rounds.reached(2)
    assert rounds.count == 2


async def test_it_looks_for_what_is_due_again_though_nobody_wakes_it():
    rounds = Rounds()
    async with Courier(rounds, look_again_s=0.001).at_work():
        await rounds.reached(3)
    assert rounds.count >= 3


async def test_an_error_of_whatever_sort_does_not_end_it(caplog):
    rounds = Rounds(TryAgainLater("away", public="Not now."), ValueError("a mistake"))
    async with Courier(rounds, look_again_s=0.001).at_work():
        await rounds.reached(3)
    assert [each.msg for each in caplog.records] == ["courier.failed"] * 2


async def test_what_is_under_way_is_cut_off_where_it_stops():
    cut = []

    async def hang():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut.append(True)
            raise

    async with Courier(hang, look_again_s=NEVER_S).at_work():
        await asyncio.sleep(0)
    assert cut == [True]
