import asyncio
from collections import Counter, deque

import pytest

from tests.support.worker_bench import is_gone

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERY_OUTCOME = [
    *("copies", "fails", "crashes", "grows", "writes_too_much", "segfaults", "is_silent"),
    *("forgets_its_output", "makes_a_link", "names_a_wrong_stage", "lives_on", "dials_out"),
]


async def delivered(bench, conduct, **other):
    bench.orders(conduct, **other)
    bench.gateway.reports.clear()
    bench.gateway.claims.clear()
    return await bench.deliver()(bench.gateway.event())


async def stopped(bench, conduct, stop):
    bench.orders(conduct)
    bench.gateway.reports.clear()
    bench.gateway.claims.clear()
    delivery = asyncio.create_task(bench.deliver()(bench.gateway.event()))
    await bench.gateway.until_working()
    stop(delivery)
    with pytest.raises(asyncio.CancelledError):
        await delivery


async def test_scratch_is_empty_after_twenty_jobs_of_every_outcome(bench):
    outcomes = []
    for conduct in EVERY_OUTCOME:
        await delivered(bench, conduct)
        outcomes.append(bench.gateway.final.outcome)
    for conduct in ("hangs", "refuses_to_die"):
        await stopped(bench, conduct, lambda delivery: delivery.cancel())
        outcomes.append(bench.gateway.final.outcome)
        await stopped(bench, conduct, lambda _: setattr(bench.gateway, "cancelled", True))
        bench.gateway.cancelled = False
        outcomes.append(bench.gateway.final.outcome)
    bench.store.faults["out/3/video"] = deque(["503"] * 5)
    await delivered(bench, "copies")
    outcomes.append(bench.gateway.final.error.code)
    bench.store.objects["gone"] = b"x"
    bench.gateway.order["files"] = []
    missing = bench.store.file("source", "gone", bench.gateway.base_url)
    del bench.store.objects["gone"]
    for _ in range(3):
        await delivered(bench, "copies", files=[missing])
        outcomes.append(bench.gateway.final.error.code)

    assert bench.left_in_scratch() == []
    assert Counter(outcomes) == {
        "succeeded": 3,
        "failed": 9,
        "stopped": 4,
        "storage_error": 1,
        "input_missing": 3,
    }
    assert is_gone(bench.marked("grandchild"))


@pytest.mark.parametrize("conduct", ["forgets_its_output", "makes_a_link"])
async def test_files_a_kind_may_not_publish_are_our_own_mistake(bench, conduct):
    answer = await delivered(bench, conduct)

    assert answer == {"error": "internal: Something went wrong on our side."}
    assert bench.gateway.asked == []
    assert bench.store.puts == []


async def test_a_failure_carries_its_code_its_words_and_its_stage(bench):
    answer = await delivered(bench, "fails")

    final = bench.gateway.final
    assert answer == {"error": "invalid_range: The clip is shorter than that."}
    assert (final.outcome, final.error.code) == ("failed", "invalid_range")
    assert final.error.message == "The clip is shorter than that."
    assert final.error.stage == "prepare"
    assert final.usage.run_s > 0


async def test_what_a_crash_says_reaches_neither_gateway_nor_runpod(bench):
    answer = await delivered(bench, "crashes")

    assert "shadow" not in str(answer)
    assert "shadow" not in bench.gateway.final.model_dump_json()


async def test_a_probe_is_told_with_the_hash_of_what_was_fetched(bench):
    bench.orders("copies")
    bench.has_input(b"abc")

    await bench.deliver()(bench.gateway.event())

    (probe,) = bench.gateway.said("probe")
    assert probe.asset == "source"
    assert probe.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert probe.probe == {"width_px": 64}


async def test_a_warning_is_told_once(bench):
    await delivered(bench, "copies")
    assert [w.warning.code for w in bench.gateway.said("warning")] == ["tail_missing"]


async def test_a_kind_that_warns_without_end_is_cut_off_and_its_work_goes_on(bench):
    await delivered(bench, "chatters")

    assert 0 < len(bench.gateway.said("warning")) < 1000
    assert bench.gateway.final.outcome == "succeeded"


async def test_progress_grows_through_the_stages_and_leaves_the_whole_to_the_gateway(bench):
    bench.orders("copies")
    bench.has_input(b"frames" * 1000)
    bench.gateway.order["report_every_s"] = 0

    await bench.deliver()(bench.gateway.event())

    said = [(report.stage, report.progress) for report in bench.gateway.said("progress")]
    assert [value for _, value in said] == sorted(value for _, value in said)
    assert all(value < 1 for _, value in said)
    assert {stage for stage, _ in said} <= {"prepare", "work", "upload", "persist"}


async def test_report_numbers_count_up_from_one_in_the_order_of_sending(bench):
    await delivered(bench, "copies")

    numbers = [report.report_no for report in bench.gateway.reports]
    assert numbers == list(range(1, len(numbers) + 1))
