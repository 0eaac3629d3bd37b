import ast
import asyncio
import os
import select
import signal

import psutil
import pytest

from gpu_worker.hardware import Hardware
from gpu_worker.sandbox.child_messages import ChildTask, Limits, Probed, Progressed, Warned
from gpu_worker.sandbox.children import Grace
from shared.errors import JobFailed
from tests.support.worker_bench import MIB, is_gone

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = Limits(
    memory_bytes=1024 * MIB, cpu_s=600, file_bytes=4 * MIB, open_files=64, tasks=512
)


@pytest.fixture
def task(tmp_path):
    """A task for one conduct, in a scratch directory of its own."""
    (tmp_path / "work").mkdir()
    (tmp_path / "mark").mkdir()

    def made(conduct, **limits):
        return ChildTask(
            kind="sample.conduct",
            input={"conduct": conduct, "mark": str(tmp_path / "mark")},
            files={},
            scratch=str(tmp_path / "work"),
            caches=[str(tmp_path / "mark")],
            limits=LIMITS.model_copy(update=limits),
            log_fields={"job_id": "job-1", "fence": 3},
        )

    return made


def unheard(_message):
    return


class Ear:
    """Hears a child, and knows when it first said that it works."""

    def __init__(self):
        self.heard = asyncio.Event()

    def __call__(self, _message):
        self.heard.set()


def marked(tmp_path, name):
    return int((tmp_path / "mark" / name).read_text())


async def failure_of(children, task, hear=unheard):
    with pytest.raises(JobFailed) as failed:
        await children.run(task, hear)
    return failed.value


async def test_a_child_says_what_it_does_and_what_it_made(children, task, tmp_path):
    heard = []

    done = await children.run(task("copies"), heard.append)

    assert done.result == {"said": "copied"}
    assert [file.path for file in done.files] == [str(tmp_path / "work" / "made.mp4")]
    assert done.usage.frames == 4
    assert done.usage.peak_memory_bytes > MIB
    assert isinstance(heard[0], Progressed)
    assert isinstance(heard[-1], Warned)


async def test_a_child_is_confined(children, task):
    done = await children.run(task("tells_its_limits"), unheard)

    said = ast.literal_eval(done.result["said"])
    assert said.pop("environment").find("RUNPOD") == -1
    assert said == {
        "as": 1024 * MIB,
        "core": 0,
        "fsize": 4 * MIB,
        "nofile": 64,
        "cpu": 600,
        "tasks": True,
        "temporary": True,
        "threads": 1,
        "cwd": True,
        "stdin": "/dev/null",
        "group": True,
        "sockets": 1,
    }


async def test_a_child_has_no_network(children, task):
    done = await children.run(task("dials_out"), unheard)
    assert done.result == {"said": "refused"}


async def test_a_child_runs_no_program(children, task):
    done = await children.run(task("runs_a_program"), unheard)
    assert done.result == {"said": "refused"}


async def test_a_child_reads_and_writes_what_is_its_jobs_and_nothing_else(
    children, task, tmp_path
):
    """Nor the environment of a process beside it, where a worker's secrets would be."""
    own, cache, beside = (tmp_path / name for name in ("work", "mark", "beside"))
    beside.mkdir()
    for name in ("input", "secret"):
        (beside / name).write_bytes(b"x")
    at = [own, cache, beside / "input", beside / "secret", beside]
    asked = task("pries").model_copy(update={"files": {"source": str(beside / "input")}})
    asked.input["at"] = [*map(str, at), f"/proc/{os.getpid()}/environ", "/etc/shadow", "/usr"]

    done = await children.run(asked, unheard)

    assert ast.literal_eval(done.result["said"]) == [
        *("read written", "read written", "read closed", "closed closed", "closed closed"),
        *("closed closed", "closed closed", "read closed"),
    ]
    assert sorted(each.name for each in beside.iterdir()) == ["input", "secret"]


async def test_a_driver_reads_what_it_likes_and_writes_to_devices_alone(
    children, task, tmp_path
):
    """What a GPU's driver opens is its own affair; other jobs' files stay as they are."""
    gpu = Hardware(warps=True)
    asked = task("pries").model_copy(update={"hardware": gpu})
    asked.input["at"] = [str(tmp_path / "work"), str(tmp_path), f"/proc/{os.getpid()}/environ"]

    done = await children.run(asked, unheard)

    assert ast.literal_eval(done.result["said"]) == [
        *("read written", "read closed", "closed closed")
    ]


@pytest.mark.parametrize(
    ("conduct", "code"),
    [
        ("fails", "invalid_range"),
        ("grows", "out_of_memory"),
        ("writes_too_much", "invalid_request"),
        ("crashes", "internal"),
        ("segfaults", "internal"),
        ("is_silent", "internal"),
        ("names_a_wrong_stage", "internal"),
    ],
)
async def test_each_way_to_fail_has_its_code(children, task, conduct, code):
    failure = await failure_of(children, task(conduct))
    assert failure.what == code


async def test_a_crash_tells_the_person_nothing_of_its_inside(children, task):
    failure = await failure_of(children, task("crashes"))
    assert failure.public == "Something went wrong on our side."


async def test_a_child_that_counts_what_is_mapped_may_reserve_no_more(children, task):
    failure = await failure_of(children, task("reserves"))
    assert failure.what == "out_of_memory"


async def test_a_child_with_a_gpu_may_reserve_addresses_but_not_fill_them(children, task):
    done = await children.run(task("reserves", memory_counts="writable"), unheard)
    assert done.result == {"said": "reserved"}

    failure = await failure_of(children, task("grows", memory_counts="writable"))
    assert failure.what == "out_of_memory"


async def test_a_child_knows_what_the_machine_can_do(children, task):
    hardware = Hardware(warps=True, decodes=frozenset({"h264 8"}))

    alone = await children.run(task("tells_its_hardware"), unheard)
    helped = await children.run(
        task("tells_its_hardware").model_copy(update={"hardware": hardware}), unheard
    )

    assert alone.result == {"said": "False []"}
    assert helped.result == {"said": "True ['h264 8']"}


async def test_d05_a_child_over_its_cpu_time_is_a_timeout(children, task):
    failure = await failure_of(children, task("burns_cpu"))
    assert failure.what == "timeout"


@pytest.mark.parametrize(
    ("kills", "code"),
    [
        ([None, None], "out_of_memory"),
        ([4, 5], "out_of_memory"),
        ([4, 4], "worker_lost"),
    ],
)
async def test_a_killed_child_was_out_of_memory_unless_the_kernel_says_otherwise(
    own_children, task, tmp_path, kills, code
):
    own_children.oom_kills = iter(kills).__next__
    ear = Ear()
    running = asyncio.create_task(failure_of(own_children, task("hangs"), ear))
    await ear.heard.wait()

    os.kill(marked(tmp_path, "child"), signal.SIGKILL)

    assert (await running).what == code


async def test_cancelled_a_child_unwinds_by_itself_where_it_can(children, task, tmp_path):
    ear = Ear()
    running = asyncio.create_task(children.run(task("hangs"), ear))
    await ear.heard.wait()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert is_gone(marked(tmp_path, "child"))


async def test_when_the_work_is_done_what_it_left_running_is_killed(
    own_children, task, tmp_path
):
    own_children.grace = Grace(gone_s=3600)  # the zygote must not wait for the worker's word
    async with asyncio.timeout(30):
        done = await own_children.run(task("lives_on"), unheard)

    assert done.result == {"said": "copied"}
    assert is_gone(marked(tmp_path, "grandchild"))


async def test_when_the_zygote_is_killed_its_children_die_and_are_worker_lost(
    own_children, task, tmp_path
):
    ear = Ear()
    running = asyncio.create_task(failure_of(own_children, task("refuses_to_die"), ear))
    await ear.heard.wait()
    doomed = [psutil.Process(marked(tmp_path, name)) for name in ("child", "grandchild")]

    os.kill(own_children.start().pid, signal.SIGKILL)
    failure = await running

    assert failure.what == "worker_lost"
    _, alive = await asyncio.to_thread(psutil.wait_procs, doomed, timeout=30)
    assert alive == []


async def test_a_zygote_that_was_killed_is_started_anew(own_children, task):
    first = own_children.start()
    await own_children.run(task("copies"), unheard)
    ended = os.pidfd_open(first.pid)
    os.kill(first.pid, signal.SIGKILL)
    await asyncio.to_thread(select.select, [ended], [], [])
    os.close(ended)

    done = await own_children.run(task("copies"), unheard)

    assert done.result == {"said": "copied"}
    assert own_children.start().pid != first.pid


async def test_children_beyond_the_bound_wait_for_a_place(own_children, task):
    own_children._slots = asyncio.Semaphore(1)
    ear = Ear()
    first = asyncio.create_task(own_children.run(task("hangs"), ear))
    await ear.heard.wait()
    second = asyncio.create_task(own_children.run(task("copies"), unheard))
    await asyncio.sleep(0)
    assert not second.done()

    first.cancel()

    assert (await second).result == {"said": "copied"}


async def test_a_file_that_was_probed_is_told_by_its_name(children, task, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"frames")
    heard = []

    with_file = task("copies").model_copy(update={"files": {"source": str(source)}})
    await children.run(with_file, heard.append)

    assert Probed(name="source", facts={"width_px": 64}) in heard
