"""Every hostile file, at every door: refused with the right code or rendered without harm."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gpu_worker.sandbox.child_messages import ChildTask, Limits
from gpu_worker.sandbox.children import Children, Grace
from gpu_worker.sandbox.zygote_process import clean_environment
from gpu_worker.transfers.scratch import Scratch, hold_scratch
from shared.errors import JobFailed
from tests.media.hostile.canaries import SECRET, Canaries
from tests.media.hostile.catalogue import ENTRIES
from tests.media.hostile.entry import (
    ALL_DOORS,
    FONT_DOORS,
    IMAGE_DOORS,
    VIDEO_DOORS,
    Ground,
    Hostile,
)
from tests.media.hostile.places import cut_everywhere

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

MIB = 2**20
LIMITS = Limits(
    memory_bytes=2048 * MIB,
    cpu_s=60,
    look_cpu_s=30,
    file_bytes=16 * MIB,
    open_files=64,
    tasks=512,
)
# Long beside what a good file takes, however slow the machine; short beside an endless one.
A_SHORT_LOOK = {"look_cpu_s": 0.5}
BY_NAME = {entry.name: entry for entry in ENTRIES}


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    made = Children(
        command=(
            sys.executable,
            "-m",
            "gpu_worker.sandbox.zygote",
            "tests.media.hostile.kinds",
        ),
        environment=clean_environment(os.environ, numba_cache_dir=""),
        at_once=1,
        oom_kills=lambda: None,
        grace=Grace(unwind_s=0.2, gone_s=30),
    )
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scratch]:
    with hold_scratch(tmp_path_factory.mktemp("scratch"), "worker-1") as held:
        yield held


class Worker:
    """Takes files through doors as the worker does: in a child, in a directory of the job's."""

    def __init__(self, children: Children, scratch: Scratch, ground: Ground) -> None:
        self.children, self.scratch, self.ground = children, scratch, ground

    async def ends(
        self, *contents: bytes, doors: frozenset[str] = ALL_DOORS, **limits: float
    ) -> list[dict[str, str]]:
        """How each file ended at each door. Raises `JobFailed` where the child did not live."""
        async with self.scratch.place("job-1", 1) as place:
            good = self.ground.good.clip("mp4 silent")
            names = ["good", *map(str, range(len(contents)))]
            files = {name: place.inputs / name for name in names}
            for name, content in zip(names, (good, *contents), strict=True):
                files[name].write_bytes(content)
            task = ChildTask(
                kind="hostile.doors",
                input={"doors": sorted(doors), "secret": SECRET},
                files={name: str(path) for name, path in files.items()},
                scratch=str(place.work),
                limits=LIMITS.model_copy(update=limits),
                log_fields={},
            )
            done = await self.children.run(task, lambda _message: None)
        return [done.result["ends"][name] for name in names[1:]]

    async def ends_or_dies(self, content: bytes, **limits: float) -> dict[str, str]:
        """The same, where a child that is killed is its end at every door."""
        try:
            (ends,) = await self.ends(content, **limits)
        except JobFailed as death:
            return dict.fromkeys(sorted(ALL_DOORS), death.what)
        return ends

    @property
    def left(self) -> tuple[list[Path], list[psutil.Process]]:
        """Files of jobs and processes of children that are still there."""
        below = psutil.Process(self.children.start().pid).children(recursive=True)
        return list(self.scratch.home.iterdir()), below


@pytest.fixture(scope="module")
def worker(children: Children, scratch: Scratch, ground: Ground) -> Worker:
    return Worker(children, scratch, ground)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
async def test_a_hostile_file_ends_as_it_must_at_every_door(
    entry: Hostile, ground: Ground, worker: Worker, watched: Canaries
) -> None:
    limits = A_SHORT_LOOK if entry.endless else {}
    ends = await worker.ends_or_dies(entry.content(ground), **limits)

    wrong = {door: how for door, how in ends.items() if not entry.may_end(door, how)}
    assert (wrong, set(ends)) == ({}, ALL_DOORS)
    assert (watched.visits, watched.opened) == ([], 0)
    assert worker.left == ([], [])


@pytest.mark.parametrize("sort", ["mp4", "mkv", "avi"])
async def test_a_video_cut_off_at_any_place_of_its_structure_is_read_or_refused(
    sort: str, ground: Ground, worker: Worker
) -> None:
    pieces = cut_everywhere(ground.good, sort)

    ends = await worker.ends(*pieces, doors=frozenset({"media.ingest", "export.frame"}))

    assert len(pieces) > 15
    assert {how for each in ends for how in each.values()} <= {"rendered", "input_unreadable"}


async def test_what_takes_too_long_to_look_through_says_so(
    worker: Worker, ground: Ground
) -> None:
    endless = BY_NAME["hundred thousand edits"].content(ground)

    with pytest.raises(JobFailed) as ended:
        await worker.ends(endless, **A_SHORT_LOOK)

    assert ended.value.what == "input_unreadable"
    assert "too long to look through" in ended.value.public


async def test_what_needs_more_memory_than_a_child_has_says_so(
    worker: Worker, ground: Ground
) -> None:
    large = BY_NAME["PNG of 9 megapixels in 35 kilobytes"].content(ground)
    mapped = psutil.Process(worker.children.start().pid).memory_info().vms

    (ends,) = await worker.ends(large, doors=IMAGE_DOORS, memory_bytes=mapped + 48 * MIB)

    assert ends == {"layer image": "out_of_memory", "media.ingest": "out_of_memory"}


async def test_what_would_write_more_than_a_file_may_hold_says_so(
    worker: Worker, ground: Ground
) -> None:
    good = ground.good.clip("mp4")

    (ends,) = await worker.ends(good, doors=frozenset({"export.framing"}), file_bytes=1000)

    assert ends == {"export.framing": "invalid_request"}


async def test_a_worker_that_has_seen_the_worst_renders_a_good_clip(
    worker: Worker, ground: Ground
) -> None:
    zygote = worker.children.start().pid
    endless = BY_NAME["hundred thousand edits"].content(ground)
    with pytest.raises(JobFailed):
        await worker.ends(endless, **A_SHORT_LOOK)

    sound = [ground.good.clip("mp4"), ground.good.image("PNG"), ground.good.font()]
    ends = await worker.ends(*sound)

    rendered = [{door for door, how in each.items() if how == "rendered"} for each in ends]
    assert rendered == [set(VIDEO_DOORS), set(IMAGE_DOORS), set(FONT_DOORS)]
    assert worker.children.start().pid == zygote
