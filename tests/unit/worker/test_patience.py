import pytest

from gpu_worker.attempt import Allowance, Patience
from gpu_worker.hardware import NO_HARDWARE, Hardware
from gpu_worker.waiting.pace import Pace
from shared.errors import JobFailed, TryAgainLater


def test_pauses_grow_to_their_bound_and_never_to_nothing():
    pace = Pace(jitter=lambda: 0.0, first_s=1.0, longest_s=3.0)
    assert [pace.pause_s(failures) for failures in (1, 2, 3, 50)] == [0.5, 1.0, 1.5, 1.5]


def test_a_cpu_worker_waits_longer_for_the_gateway_than_a_gpu():
    cpu, gpu = Patience.on("cpu"), Patience.on("gpu")
    assert (cpu.final_s, cpu.outputs_s) == (180, 180)
    assert (gpu.final_s, gpu.outputs_s) == (20, 20)
    assert cpu.stopped_s == gpu.stopped_s == 2


async def test_an_ask_is_repeated_until_its_time_is_spent():
    now_s, asked = [0.0], []

    async def sleep(for_s):
        now_s[0] += for_s

    async def ask():
        asked.append(now_s[0])
        raise TryAgainLater("away", public="Away.")

    pace = Pace(lambda: now_s[0], sleep=sleep, jitter=lambda: 1.0, first_s=1.0, longest_s=4.0)
    with pytest.raises(TryAgainLater):
        await pace.keep_trying(ask, what="ask", for_s=10)

    assert asked == [0.0, 1.0, 3.0, 7.0]


async def test_what_time_will_not_mend_is_not_asked_again():
    asked = []

    async def ask():
        asked.append(1)
        raise JobFailed("input_missing")

    with pytest.raises(JobFailed):
        await Pace().keep_trying(ask, what="ask", for_s=10)

    assert len(asked) == 1


@pytest.mark.parametrize(("left_s", "cpu_s"), [(100.0, 410), (0.2, 14), (-5.0, 14)])
def test_a_child_may_use_every_core_until_its_deadline(left_s, cpu_s):
    allowance = Allowance(cores=4, memory_bytes=None, file_bytes=1, open_files=64)
    assert allowance.limits(left_s).cpu_s == cpu_s


def test_what_an_operator_bounds_reaches_the_child():
    allowance = Allowance(2, 9, file_bytes=8, open_files=64, tasks=7, look_cpu_s=6.5)

    limits = allowance.limits(1)

    assert (limits.memory_bytes, limits.file_bytes, limits.open_files) == (9, 8, 64)
    assert (limits.tasks, limits.look_cpu_s) == (7, 6.5)


def test_only_a_first_attempt_is_given_the_gpu():
    gpu = Hardware(warps=True)
    allowance = Allowance(4, memory_bytes=9, file_bytes=1, open_files=64, hardware=gpu)

    first, second = allowance.for_attempt(1), allowance.for_attempt(2)

    assert (first.hardware, first.limits(1).memory_counts) == (gpu, "writable")
    assert (second.hardware, second.limits(1).memory_counts) == (NO_HARDWARE, "mapped")
    assert second.cores == 4
