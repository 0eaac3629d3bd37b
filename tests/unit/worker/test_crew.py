"""Parts of a child's work in processes of their own, through the real zygote."""

import ast
import asyncio
import os
import signal

import psutil
import pytest

from gpu_worker.sandbox.child_messages import ChildTask, Limits, Progressed
from shared.errors import JobFailed
from tests.support.worker_bench import MIB, is_gone

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = Limits(memory_bytes=1024 * MIB, cpu_s=600, file_bytes=4 * MIB, open_files=64)


@pytest.fixture
def task(tmp_path):
    """A task for some parts, in a scratch directory of its own."""
    (tmp_path / "work").mkdir()
    (tmp_path / "mark").mkdir()

    def made(*conducts, threads=0, **limits):
        mark = str(tmp_path / "mark")
        return ChildTask(
            kind="sample.parts",
            input={"conducts": list(conducts), "mark": mark, "threads": threads},
            files={},
            scratch=str(tmp_path / "work"),
            caches=[str(tmp_path / "mark")],
            limits=LIMITS.model_copy(update=limits),
            log_fields={"job_id": "job-1", "fence": 3},
        )

    return made


class Group:
    """The processes of a child's group, known once each of its parts works."""

    def __init__(self, tmp_path, parts):
        self.names = ["child", *(f"part-{n}" for n in range(parts))]
        self.marks = [tmp_path / "mark" / name for name in self.names]
        self.works = asyncio.Event()

    def __call__(self, _message):
        if all(mark.exists() and mark.read_text() for mark in self.marks):
            self.works.set()

    @property
    def pids(self):
        return {
            name: int(mark.read_text())
            for name, mark in zip(self.names, self.marks, strict=True)
        }


async def failure_of(children, task, hear=lambda _message: None):
    with pytest.raises(JobFailed) as failed:
        await children.run(task, hear)
    return failed.value


async def test_each_part_is_done_in_a_process_of_its_own_and_how_far_all_are_is_told(
    children, task
):
    heard = []

    done = await children.run(task("works", "works", "works"), heard.append)

    fractions = [message.fraction for message in heard if isinstance(message, Progressed)]
    assert len(set(done.result["said"])) == 3
    assert fractions == sorted(fractions)
    assert heard


async def test_a_part_is_confined_as_the_child_and_has_its_share_of_the_memory(children, task):
    done = await children.run(task("tells_its_limits", "tells_its_limits"), lambda _: None)

    for each in map(ast.literal_eval, done.result["said"]):
        share = each.pop("as") - each.pop("mapped")
        assert each == {"fsize": 4 * MIB, "group": True, "sockets": 1, "seccomp": True}
        assert share < 512 * MIB


async def test_what_parts_take_counts_as_the_childs_memory(children, task):
    alone = await children.run(task("works", "works"), lambda _: None)
    more = await children.run(task("takes_memory", "takes_memory"), lambda _: None)

    grown = more.usage.peak_memory_bytes - alone.usage.peak_memory_bytes
    assert 100 * MIB < grown < 200 * MIB


@pytest.mark.parametrize(
    ("conduct", "code"),
    [
        ("fails", "invalid_range"),
        ("crashes", "internal"),
        ("grows", "out_of_memory"),
        ("burns_cpu", "timeout"),
        ("segfaults", "internal"),
        ("is_silent", "internal"),
    ],
)
async def test_one_parts_failure_is_the_childs_and_ends_the_others(
    children, task, tmp_path, conduct, code
):
    failure = await failure_of(children, task("hangs", conduct))

    assert failure.what == code
    assert "shadow" not in failure.public
    assert all(is_gone(int(mark.read_text())) for mark in (tmp_path / "mark").iterdir())


@pytest.mark.parametrize(
    ("kills", "code"), [([None, None], "out_of_memory"), ([4, 4], "worker_lost")]
)
async def test_a_part_that_was_killed_was_out_of_memory_unless_the_kernel_says_otherwise(
    own_children, task, tmp_path, kills, code
):
    own_children.oom_kills = iter(kills).__next__
    group = Group(tmp_path, 2)
    running = asyncio.create_task(failure_of(own_children, task("hangs", "hangs"), group))
    await group.works.wait()

    os.kill(group.pids["part-1"], signal.SIGKILL)

    assert (await running).what == code
    assert all(map(is_gone, group.pids.values()))


async def test_cancelled_a_child_takes_its_parts_along_though_they_ignore_sigterm(
    children, task, tmp_path
):
    group = Group(tmp_path, 2)
    running = asyncio.create_task(children.run(task("hangs", "hangs"), group))
    await group.works.wait()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert all(map(is_gone, group.pids.values()))


async def test_when_the_child_is_killed_its_parts_die(children, task, tmp_path):
    group = Group(tmp_path, 2)
    running = asyncio.create_task(failure_of(children, task("hangs", "hangs"), group))
    await group.works.wait()

    os.kill(group.pids["child"], signal.SIGKILL)

    assert (await running).what == "out_of_memory"
    assert all(map(is_gone, group.pids.values()))


async def test_when_the_zygote_is_killed_the_parts_die_with_their_child(
    own_children, task, tmp_path
):
    group = Group(tmp_path, 2)
    running = asyncio.create_task(failure_of(own_children, task("hangs", "hangs"), group))
    await group.works.wait()
    doomed = [psutil.Process(pid) for pid in group.pids.values()]

    os.kill(own_children.start().pid, signal.SIGKILL)

    assert (await running).what == "worker_lost"
    _, alive = await asyncio.to_thread(psutil.wait_procs, doomed, timeout=30)
    assert alive == []


async def test_a_child_with_threads_forks_no_crew(children, task):
    done = await children.run(task("works", "works", threads=1), lambda _: None)
    assert done.result["said"] == ["cannot fork"]
