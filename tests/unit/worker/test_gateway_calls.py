from datetime import UTC, datetime

import httpx
import pytest

from gpu_worker.protocol.gateway_calls import GatewayCalls, Refused, Superseded, Unreachable
from gpu_worker.waiting.pace import Pace
from shared.work import Heartbeat, ReportAnswer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLAIM_URL = "https://gateway.test/v1/work/job-1/claim"


async def asked(answer, claim_url=CLAIM_URL):
    """Ask for a report's answer of a gateway that gives this one."""

    def give(request):
        return answer(request) if callable(answer) else answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(give)) as client:
        calls = GatewayCalls(client, claim_url, Pace(utc_now=lambda: NOW))
        beat = Heartbeat(fence=1, report_no=1)
        return await calls.ask("reports", "attempt-token", beat, ReportAnswer)


async def test_a_call_goes_to_the_sibling_of_the_claim_under_the_attempts_token():
    seen = []

    def give(request):
        seen.append(request)
        return httpx.Response(200, json={"cancel": True, "added_later": 1})

    answer, _ = await asked(give)

    assert answer.cancel
    assert str(seen[0].url) == "https://gateway.test/v1/work/job-1/reports"
    assert seen[0].headers["authorization"] == "Bearer attempt-token"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, Unreachable) for status in (408, 425, 429, 500, 502, 503, 504)),
        *((status, Refused) for status in (301, 400, 401, 404, 413, 422)),
        (409, Superseded),
    ],
)
async def test_each_status_is_sorted_by_whose_move_is_next(status, error):
    with pytest.raises(error):
        await asked(httpx.Response(status, json={}))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"cancel": "perhaps"}'])
async def test_an_answer_that_does_not_fit_is_refused_and_not_repeated(body):
    with pytest.raises(Refused):
        await asked(httpx.Response(200, content=body))


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("no"), httpx.ReadTimeout("slow"), httpx.DecodingError("garbled")],
)
async def test_whatever_happens_on_the_way_the_gateway_was_only_unreachable(error):
    def give(_request):
        raise error

    with pytest.raises(Unreachable):
        await asked(give)


async def test_a_url_that_is_none_is_refused():
    with pytest.raises(Refused):
        await asked(httpx.Response(200, json={}), claim_url="https://gateway.test:port/claim")


@pytest.mark.parametrize(
    ("headers", "spoken_at"),
    [
        ({"date": "Fri, 02 Jan 2026 00:00:00 GMT"}, datetime(2026, 1, 2, tzinfo=UTC)),
        ({"date": "some day"}, NOW),
        ({}, NOW),
    ],
)
async def test_the_gateways_clock_is_read_from_its_answer_else_from_ours(headers, spoken_at):
    _, heard = await asked(httpx.Response(200, json={}, headers=headers))
    assert heard == spoken_at
