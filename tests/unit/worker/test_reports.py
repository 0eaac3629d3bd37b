"""Reports against the fake gateway, without any work behind them."""

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette

from gpu_worker.protocol.gateway_calls import GatewayCalls, Refused, Superseded, Unreachable
from gpu_worker.protocol.reports import Reports
from gpu_worker.waiting.deadline import Deadline
from gpu_worker.waiting.told import Told, Why
from shared.work import MOST_CHECKPOINT_BYTES, Final, Notice, WorkOrder
from tests.support.fake_gateway import FakeGateway
from tests.support.serving import client_here, serving
from tests.support.worker_bench import QUICK


@pytest.fixture
async def gateway():
    made = FakeGateway()
    async with serving(Starlette(routes=made.app().routes), date_header=False) as base_url:
        made.base_url = base_url
        yield made


@asynccontextmanager
async def reporting(gateway, *, heartbeat_s=3600.0, report_every_s=3600.0, deadline=None):
    """The reports of one attempt, silent but for what a test has them say."""
    order = WorkOrder(
        fence=3,
        token="attempt-token",
        kind="sample.conduct",
        kind_version=1,
        input={},
        deadline_at=datetime.now(UTC) + timedelta(minutes=5),
        heartbeat_s=heartbeat_s,
        report_every_s=report_every_s,
        hints=[{"ask_id": "a0"}],
    )
    async with client_here() as client:
        calls = GatewayCalls(client, f"{gateway.base_url}/v1/work/j/claim", QUICK)
        told = Told()
        deadline = deadline or Deadline(QUICK.monotonic_s)
        async with Reports(calls, order, told, deadline, QUICK) as reports:
            yield reports


def final(report_no):
    return Final(fence=3, report_no=report_no, outcome="stopped")


def notice(number):
    return Notice(code="noise", message=str(number))


async def test_a_silent_attempt_is_heard_by_its_heartbeat(gateway):
    async with reporting(gateway, heartbeat_s=0.01):
        await gateway.until(lambda g: len(g.said("heartbeat")) >= 3)
    assert {report.type for report in gateway.reports} == {"heartbeat"}


async def test_progress_said_often_is_sent_once_with_the_latest_word(gateway):
    async with reporting(gateway) as reports:
        for percent in range(100):
            reports.progress("work", percent / 100)
        reports.order = reports.order.model_copy(update={"report_every_s": 0.0})
        reports.progress("work", 0.99)
        await gateway.until(lambda g: g.said("progress"))

    assert [report.progress for report in gateway.said("progress")] == [0.99]


async def test_progress_waits_its_time_and_a_warning_does_not(gateway):
    async with reporting(gateway) as reports:
        reports.progress("work", 0.5)
        reports.warn(notice(1))
        reports.warn(notice(2))
        await gateway.until(lambda g: len(g.said("warning")) == 2)

    assert [report.type for report in gateway.reports] == ["warning", "warning"]
    assert [report.warning.message for report in gateway.reports] == ["1", "2"]


async def test_a_warning_whose_answer_is_lost_keeps_its_number_and_its_place(gateway):
    gateway.statuses["warning"] = deque([503, 200, 503])
    async with reporting(gateway) as reports:
        reports.warn(notice(1))
        reports.warn(notice(2))
        await gateway.until(lambda g: len(g.reports) == 4)

    heard = [(report.report_no, report.warning.message) for report in gateway.reports]
    assert heard == [(1, "1"), (1, "1"), (2, "2"), (2, "2")]


async def test_a_checkpoint_returns_only_once_it_is_heard(gateway):
    gateway.statuses["checkpoint"] = deque([503, 503])
    async with reporting(gateway) as reports:
        await reports.checkpoint({"ask": "sending"})
        heard = len(gateway.reports)

    assert heard == 3
    assert {report.report_no for report in gateway.reports} == {1}
    assert gateway.reports[0].data == {"ask": "sending"}


async def test_checkpoints_are_never_coalesced(gateway):
    async with reporting(gateway) as reports:
        for step in ("sending", "handle"):
            await reports.checkpoint({"ask": step})

    assert [report.data["ask"] for report in gateway.said("checkpoint")] == [
        "sending",
        "handle",
    ]


async def test_a_checkpoint_of_a_superseded_attempt_is_not_taken_for_heard(gateway):
    gateway.superseded = True
    async with reporting(gateway) as reports:
        with pytest.raises(Superseded):
            await reports.checkpoint({"ask": "sending"})
        assert reports.told.why is Why.SUPERSEDED


async def test_a_checkpoint_the_gateway_refuses_is_an_error_and_later_words_go_on(gateway):
    gateway.statuses["checkpoint"] = deque([422])
    async with reporting(gateway) as reports:
        with pytest.raises(Refused):
            await reports.checkpoint({"ask": "sending"})
        await reports.checkpoint({"ask": "again"})

    assert [report.report_no for report in gateway.reports] == [1, 2]


async def test_a_checkpoint_that_is_too_large_to_be_one_is_an_error_and_is_never_sent(gateway):
    async with reporting(gateway) as reports:
        with pytest.raises(ValidationError):
            await reports.checkpoint({"ask": "x" * MOST_CHECKPOINT_BYTES})
        await reports.checkpoint({"ask": "again"})

    assert [report.data for report in gateway.reports] == [{"ask": "again"}]


async def test_cancel_in_an_answer_is_heard(gateway):
    gateway.cancelled = True
    async with reporting(gateway) as reports:
        reports.warn(notice(1))
        await _told(reports)
        assert reports.told.why is Why.CANCEL


async def test_a_deadline_moved_by_an_answer_is_acted_upon(gateway):
    gateway.deadline_at = datetime.now(UTC) - timedelta(seconds=5)
    async with reporting(gateway) as reports:
        reports.warn(notice(1))
        await _told(reports)
        assert reports.told.why is Why.DEADLINE


async def test_a_deadline_passes_without_any_answer(gateway):
    deadline = Deadline(QUICK.monotonic_s)
    now = datetime.now(UTC)
    deadline.set(now, spoken_at=now + timedelta(seconds=1))
    async with reporting(gateway, deadline=deadline) as reports:
        await _told(reports)
        assert reports.told.why is Why.DEADLINE
    assert gateway.reports == []


async def test_hints_of_the_order_and_of_answers_are_taken_once(gateway):
    gateway.hints = [{"ask_id": "a1"}]
    async with reporting(gateway) as reports:
        await reports.checkpoint({})
        assert reports.take_hints() == [{"ask_id": "a0"}, {"ask_id": "a1"}]
        assert reports.take_hints() == []


async def test_closing_lets_the_last_words_out_before_the_final_gets_its_number(gateway):
    async with reporting(gateway) as reports:
        for number in range(5):
            reports.warn(notice(number))
        number = await reports.close(within_s=30)

    assert len(gateway.said("warning")) == 5
    assert number == 6


async def test_after_closing_nothing_comes_between(gateway):
    async with reporting(gateway, heartbeat_s=0.001) as reports:
        await gateway.until(lambda g: g.said("heartbeat"))
        number = await reports.close(within_s=30)
        reports.warn(notice(1))
        await reports.final(final(number), for_s=1)

    assert gateway.reports[-1].report_no == number
    assert gateway.said("warning") == []


async def test_a_final_nobody_hears_is_given_up_in_the_end(gateway):
    gateway.statuses["final"] = deque([503] * 1000)
    async with reporting(gateway) as reports:
        number = await reports.close(within_s=1)
        with pytest.raises(Unreachable):
            await reports.final(final(number), for_s=0.1)

    assert len(gateway.said("final")) == 1
    assert len(gateway.reports) > 1


async def test_a_gateway_that_refuses_the_connection_is_only_away(gateway):
    gateway.base_url = "http://127.0.0.1:1"
    async with reporting(gateway) as reports:
        with pytest.raises(Unreachable):
            await reports.final(final(1), for_s=0.05)
        assert reports.told.why is None


async def test_words_left_when_the_attempt_ends_are_not_taken_for_heard(gateway):
    gateway.statuses["checkpoint"] = deque([503] * 100_000)
    async with reporting(gateway) as reports:
        waiting = asyncio.create_task(reports.checkpoint({}))
        await gateway.until(lambda g: len(g.reports) > 1)
    with pytest.raises(Superseded):
        await waiting


async def _told(reports):
    async with asyncio.timeout(30):
        await reports.told._event.wait()
