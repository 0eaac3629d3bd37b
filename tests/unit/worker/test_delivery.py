import asyncio
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.work import Failure
from tests.support.worker_bench import LONG, is_gone

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODY = b"frames" * 50_000
BRIEF = replace(LONG, outputs_s=0.1, final_s=0.1)


async def test_a_delivery_goes_from_claim_to_a_final_that_names_what_was_put(bench):
    bench.orders("copies")
    bench.has_input(BODY)

    answer = await bench.deliver()(bench.gateway.event())

    assert answer == {"job_id": "job-1", "fence": 3, "outcome": "succeeded"}
    assert bench.store.objects["out/3/video"] == BODY
    (output,) = bench.gateway.final.outputs
    assert (output.name, output.size_bytes) == ("video", len(BODY))
    assert bench.gateway.final.result == {"said": "copied"}
    assert bench.gateway.final.usage.frames == 4
    assert bench.gateway.calls[0] == "claim"
    assert bench.gateway.calls[-1] == "final"


async def test_the_manifest_is_the_final_report_under_the_same_number(bench):
    bench.orders("copies")

    await bench.deliver()(bench.gateway.event())

    assert bench.store.manifest == bench.gateway.final
    keys = [key for key, _ in bench.store.puts]
    assert keys == ["out/3/video", "out/3/manifest"]
    assert bench.gateway.final.report_no == max(r.report_no for r in bench.gateway.reports)
    assert bench.gateway.asked[-1].items[0].content_type == "application/json"


async def test_outputs_are_put_with_the_granted_headers(bench):
    bench.orders("copies")

    await bench.deliver()(bench.gateway.event())

    _, headers = bench.store.puts[0]
    asked = bench.gateway.asked[0].items[0]
    assert headers["content-type"] == "video/mp4"
    assert headers["content-length"] == str(asked.size_bytes)
    assert headers["x-sha256"] == asked.sha256
    assert "authorization" not in headers
    assert "transfer-encoding" not in headers


async def test_a_claim_whose_answer_is_lost_is_repeated_under_the_same_nonce(bench):
    bench.orders("copies")
    bench.gateway.statuses["claim"] = deque([503, 502])

    await bench.deliver()(bench.gateway.event())

    assert [claim.nonce for claim in bench.gateway.claims] == ["nonce-1"] * 3
    assert bench.gateway.final.outcome == "succeeded"


async def test_d65_a_job_delivered_twice_is_done_once_and_the_other_is_told_to_stop(bench):
    bench.orders("hangs")
    first = asyncio.create_task(bench.deliver()(bench.gateway.event()))
    await bench.gateway.until_working()

    answer = await bench.deliver()(bench.gateway.event())

    assert answer == {"job_id": "job-1", "outcome": "not_claimed"}
    assert bench.nonces == ["nonce-1", "nonce-2"]
    assert not first.done()
    assert len(bench.left_in_scratch()) == 1
    bench.gateway.cancelled = True
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_claim_told_to_stop_touches_nothing(bench):
    bench.gateway.superseded = True

    answer = await bench.deliver()(bench.gateway.event())

    assert answer == {"job_id": "job-1", "outcome": "not_claimed"}
    assert bench.gateway.calls == ["claim"]
    assert bench.store.gets == []
    assert bench.left_in_scratch() == []


async def test_a_claim_that_is_refused_is_not_repeated(bench):
    bench.gateway.statuses["claim"] = deque([401])

    answer = await bench.deliver()(bench.gateway.event())

    assert answer == {"error": "internal: The gateway refused the claim."}
    assert bench.gateway.calls == ["claim"]


async def test_a_gateway_that_stays_away_ends_the_claim_with_an_error(bench):
    bench.gateway.statuses["claim"] = deque([503] * 1000)

    hasty = replace(bench.deliver().claim, for_s=0.1)

    answer = await bench.deliver(claim=hasty)(bench.gateway.event())

    assert answer == {"error": "unavailable: The gateway cannot be reached."}
    assert bench.left_in_scratch() == []


@pytest.mark.parametrize("event", [{}, {"input": None}, {"input": {"v": 2}}])
async def test_an_event_that_is_no_submission_is_an_error_for_runpod(bench, event):
    answer = await bench.deliver()(event)

    assert answer == {"error": "invalid_request: this is no submission"}
    assert bench.gateway.calls == []


async def test_d144_what_runpod_cancels_reports_stopped_and_leaves_nothing(bench):
    bench.orders("hangs")
    delivery = asyncio.create_task(bench.deliver()(bench.gateway.event()))
    await bench.gateway.until_working()

    delivery.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivery

    assert bench.gateway.final.outcome == "stopped"
    assert is_gone(bench.marked("child"))
    assert bench.left_in_scratch() == []
    assert bench.store.objects == {}


async def test_a_second_cancellation_does_not_cut_the_tidying_short(bench):
    bench.orders("refuses_to_die")
    delivery = asyncio.create_task(bench.deliver()(bench.gateway.event()))
    await bench.gateway.until_working()

    delivery.cancel()
    await asyncio.sleep(0)
    delivery.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivery

    assert bench.gateway.final.outcome == "stopped"
    assert is_gone(bench.marked("child"))
    assert is_gone(bench.marked("grandchild"))
    assert bench.left_in_scratch() == []


async def test_cancel_in_a_reports_answer_kills_even_what_ignores_sigterm(bench):
    bench.orders("refuses_to_die")
    delivery = asyncio.create_task(bench.deliver()(bench.gateway.event()))
    await bench.gateway.until_working()

    bench.gateway.cancelled = True
    with pytest.raises(asyncio.CancelledError):
        await delivery

    assert is_gone(bench.marked("child"))
    assert is_gone(bench.marked("grandchild"))
    assert bench.gateway.final.outcome == "stopped"
    assert bench.left_in_scratch() == []


async def test_an_attempt_told_to_stop_says_no_last_word(bench):
    bench.orders("hangs")
    delivery = asyncio.create_task(bench.deliver()(bench.gateway.event()))
    await bench.gateway.until_working()

    bench.gateway.superseded = True
    with pytest.raises(asyncio.CancelledError):
        await delivery

    assert bench.gateway.said("final") == []
    assert is_gone(bench.marked("child"))
    assert bench.left_in_scratch() == []


async def test_d94_past_its_deadline_the_work_is_stopped_and_only_says_so(bench):
    bench.orders("refuses_to_die")
    delivery = asyncio.create_task(bench.deliver()(bench.gateway.event()))
    await bench.gateway.until_working()

    bench.gateway.deadline_at = datetime.now(UTC) - timedelta(seconds=5)
    with pytest.raises(asyncio.CancelledError):
        await delivery

    assert bench.gateway.final.outcome == "stopped"
    assert bench.gateway.final.error is None
    assert is_gone(bench.marked("grandchild"))


async def test_a_worker_whose_clock_is_an_hour_ahead_does_not_stop_early(bench):
    bench.orders("copies")
    bench.gateway.clock_off_s = -3600
    bench.gateway.deadline_at = datetime.now(UTC) - timedelta(seconds=3500)

    await bench.deliver()(bench.gateway.event())

    assert bench.gateway.final.outcome == "succeeded"


async def test_a_final_whose_answer_is_lost_is_repeated_under_the_same_number(bench):
    bench.orders("copies")
    bench.gateway.statuses["final"] = deque([503, 503])

    answer = await bench.deliver()(bench.gateway.event())

    finals = [report for report in bench.gateway.reports if report.type == "final"]
    assert len(finals) == 3
    assert len({final.report_no for final in finals}) == 1
    assert answer["outcome"] == "succeeded"


async def test_a_final_that_is_never_heard_is_told_by_the_manifest(bench):
    bench.orders("copies")
    bench.gateway.statuses["final"] = deque([503] * 1000)

    answer = await bench.deliver(patience=BRIEF)(bench.gateway.event())

    assert answer["outcome"] == "succeeded"
    assert bench.store.manifest.outcome == "succeeded"


async def test_a_manifest_the_store_will_not_take_is_no_failure(bench):
    bench.orders("copies")
    bench.store.faults["out/3/manifest"] = deque(["503"] * 1000)

    answer = await bench.deliver()(bench.gateway.event())

    assert answer["outcome"] == "succeeded"
    assert bench.gateway.final.outcome == "succeeded"


async def test_neither_final_nor_manifest_is_an_error_for_runpod(bench):
    bench.orders("copies")
    bench.gateway.statuses["final"] = deque([503] * 1000)
    bench.store.faults["out/3/manifest"] = deque(["503"] * 1000)

    answer = await bench.deliver(patience=BRIEF)(bench.gateway.event())

    assert answer == {"error": "persist_error: The result could not be recorded."}


async def test_while_the_gateway_is_away_the_work_goes_on(bench):
    bench.orders("copies")
    for call in ("heartbeat", "progress", "warning", "probe"):
        bench.gateway.statuses[call] = deque([503] * 3)

    await bench.deliver()(bench.gateway.event())

    assert bench.gateway.final.outcome == "succeeded"
    assert [report.warning.code for report in bench.gateway.said("warning")] == ["tail_missing"]


async def test_urls_that_are_never_granted_are_a_persist_error(bench):
    bench.orders("copies")
    bench.gateway.statuses["outputs"] = deque([503] * 1000)

    await bench.deliver(patience=BRIEF)(bench.gateway.event())

    assert bench.gateway.final.error == Failure(
        code="persist_error", message="The result could not be recorded.", stage="work"
    )


async def test_an_object_the_store_will_not_take_is_a_storage_error(bench):
    bench.orders("copies")
    bench.store.faults["out/3/video"] = deque(["503"] * 1000)

    await bench.deliver()(bench.gateway.event())

    assert bench.gateway.final.error.code == "storage_error"
    assert bench.gateway.final.outputs == []


async def test_a_put_that_fails_once_is_repeated_on_the_same_url(bench):
    bench.orders("copies")
    bench.store.faults["out/3/video"] = deque(["500"])

    await bench.deliver()(bench.gateway.event())

    assert [key for key, _ in bench.store.puts].count("out/3/video") == 2
    assert len(bench.gateway.asked) == 2
    assert bench.gateway.final.outcome == "succeeded"


async def test_input_that_does_not_fit_the_kind_fails_before_anything_is_fetched(bench):
    bench.orders("copies")
    bench.has_input(BODY)
    bench.gateway.order["input"] = {"conduct": "unheard_of"}

    await bench.deliver()(bench.gateway.event())

    assert bench.gateway.final.error == Failure(
        code="invalid_request", message="Not accepted: input.conduct.", stage="prepare"
    )
    assert bench.store.gets == []


@pytest.mark.parametrize("other", [{"kind": "sample.unknown"}, {"kind_version": 9}])
async def test_a_kind_this_worker_does_not_know_is_the_operators_move(bench, other):
    bench.orders("copies", **other)

    answer = await bench.deliver()(bench.gateway.event())

    assert answer == {"error": "internal: Something went wrong on our side."}
    assert bench.gateway.final.error.code == "internal"


async def test_a_stop_that_comes_while_the_claim_is_out_ends_it(bench):
    bench.gateway.statuses["claim"] = deque([503] * 100_000)
    patient = bench.deliver()
    patient = replace(patient, claim=replace(patient.claim, for_s=600))
    delivery = asyncio.create_task(patient(bench.gateway.event()))
    await bench.gateway.until(lambda g: len(g.claims) > 2)

    delivery.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivery

    assert set(bench.gateway.calls) == {"claim"}


async def test_two_jobs_at_once_do_not_meet(bench):
    bench.orders("copies")
    bench.gateway.claims.clear()
    one, other = await asyncio.gather(
        bench.deliver()(bench.gateway.event("job-1")),
        bench.deliver(claim=replace(bench.deliver().claim, new_nonce=lambda: "nonce-1"))(
            bench.gateway.event("job-2")
        ),
    )

    assert one == {"job_id": "job-1", "fence": 3, "outcome": "succeeded"}
    assert other == {"job_id": "job-2", "fence": 3, "outcome": "succeeded"}
    assert bench.left_in_scratch() == []


async def test_our_own_mistake_in_a_delivery_is_told_to_runpod_without_its_details(bench):
    def broken():
        raise RuntimeError("https://b/k?X-Amz-Signature=secret")

    answer = await bench.deliver(new_client=broken)(bench.gateway.event())

    assert answer == {"error": "internal: Something went wrong on our side."}
