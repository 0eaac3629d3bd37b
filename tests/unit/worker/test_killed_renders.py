"""A render that ends mid-way, by whatever hand, leaves no process, no file and no object."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from gpu_worker.transfers.scratch import hold_scratch
from shared.kinds import load_kinds
from shared.kinds.export.framing import KIND
from tests.support.footage import Clip, flat, grey
from tests.support.warm_exports import media_children
from tests.support.worker_bench import ALLOWANCE, MIB

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.media,
    pytest.mark.processes,
]

# Quickly made, and enlarged slowly: no test waits for the end.
ORDER = {
    "source": {"asset_id": "a1"},
    "crop_keyframes": None,
    "output_width": 1080,
    "output_height": 1920,
    "quality": "high",
}


@pytest.fixture(scope="module")
def children():
    """Children of a zygote that knows the real kinds."""
    made = media_children()
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    pictures = [grey(flat(96, 160, 20 + n)) for n in range(200)]
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return Clip(rate=Fraction(30)).write(path, pictures * 4)


@dataclass
class Rendering:
    """A delivery in the middle of its render, and all processes that work on it."""

    bench: object
    delivery: "asyncio.Task"
    zygote: psutil.Process
    child: psutil.Process
    parts: list[psutil.Process]

    async def expect_nothing_left(self):
        ours = [self.child, *self.parts]
        _, alive = await asyncio.to_thread(psutil.wait_procs, ours, timeout=30)
        assert alive == []
        assert self.zygote.children(recursive=True) == []
        assert self.bench.left_in_scratch() == []
        assert set(self.bench.store.objects) == {"in"}
        assert self.bench.store.puts == []

    async def failure(self):
        await self.delivery
        assert self.bench.gateway.final.outcome == "failed"
        return self.bench.gateway.final.error.code


@pytest.fixture(params=[1, 2], ids=["in one", "in two"])
def processes(request):
    return request.param


@pytest_asyncio.fixture(loop_scope="module")
async def rendering(bench, children, clip, processes):
    bench.gateway.order = {"kind": KIND.name, "kind_version": KIND.version, "input": ORDER}
    bench.has_input(clip.read_bytes())
    allowance = replace(
        ALLOWANCE,
        memory_bytes=4096 * MIB,
        file_bytes=1024 * MIB,
        open_files=256,
        processes=processes,
    )
    deliver = bench.deliver(kinds=load_kinds(), allowance=allowance)
    delivery = asyncio.create_task(deliver(bench.gateway.event()))
    await bench.gateway.until(lambda g: any(r.stage == "render" for r in g.said("progress")))
    zygote = psutil.Process(children.start().pid)
    [child] = zygote.children()
    parts = child.children()
    assert len(parts) == (processes if processes > 1 else 0)
    yield Rendering(bench, delivery, zygote, child, parts)
    delivery.cancel()
    await asyncio.wait({delivery})


async def test_cancelled(rendering):
    rendering.bench.gateway.cancelled = True
    with pytest.raises(asyncio.CancelledError):
        await rendering.delivery

    assert rendering.bench.gateway.final.outcome == "stopped"
    await rendering.expect_nothing_left()


async def test_past_its_deadline(rendering):
    rendering.bench.gateway.deadline_at = datetime.now(UTC) - timedelta(seconds=5)
    with pytest.raises(asyncio.CancelledError):
        await rendering.delivery

    assert rendering.bench.gateway.final.outcome == "stopped"
    await rendering.expect_nothing_left()


async def test_its_child_killed(rendering):
    rendering.child.kill()

    assert await rendering.failure() == "out_of_memory"
    await rendering.expect_nothing_left()


async def test_one_of_its_processes_killed(rendering):
    (rendering.parts or [rendering.child])[-1].kill()

    assert await rendering.failure() == "out_of_memory"
    await rendering.expect_nothing_left()


async def test_one_of_its_processes_crashed(rendering):
    (rendering.parts or [rendering.child])[0].send_signal(signal.SIGSEGV)

    assert await rendering.failure() == "internal"
    await rendering.expect_nothing_left()


async def test_its_group_killed(rendering):
    os.killpg(rendering.child.pid, signal.SIGKILL)

    assert await rendering.failure() == "out_of_memory"
    await rendering.expect_nothing_left()


@pytest.fixture
def doomed(clip, tmp_path):
    """A worker of its own that renders in two processes, and all processes below it."""
    program = Path(__file__).with_name("doomed_render.py")
    command = [sys.executable, program, "2", clip, tmp_path / "scratch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        below = [psutil.Process(int(pid)) for pid in worker.stdout.readline().split()]
        yield worker, below
        worker.kill()


@pytest.mark.parametrize("with_zygote", [False, True])
async def test_its_worker_killed_also_with_its_zygote(doomed, tmp_path, with_zygote):
    worker, below = doomed
    assert len(below) == 4

    worker.send_signal(signal.SIGSTOP)
    if with_zygote:
        below[0].kill()
    worker.kill()
    _, alive = psutil.wait_procs(below, timeout=30)

    assert alive == []
    with hold_scratch(tmp_path / "scratch", "the-next") as scratch:
        left = {each.name for each in scratch.home.parent.iterdir()}
        assert left == {".sweeping", "the-next", "the-next.lock"}
