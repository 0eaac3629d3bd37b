"""A worker that is warm: its zygote has imported and compiled, and each render is a fork."""

import asyncio
import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bench.paired import Cost
from bench.workplace import LONGEST_S, Workplace
from gpu_worker import machine
from gpu_worker.hardware import NO_HARDWARE, Hardware
from gpu_worker.sandbox.child_messages import ChildMessage, ChildTask, Limits
from gpu_worker.sandbox.children import Children, Hear
from gpu_worker.sandbox.zygote_process import clean_environment

KINDS_PACKAGE = "gpu_worker.kinds"
_GIB = 2**30

C = TypeVar("C", bound=Children)


def _not_heard(_message: ChildMessage) -> None:
    """What a child says on the way is the runner's business."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished render: what it took from fork to last word, its file, its peak memory."""

    wall_s: float
    path: Path
    peak_bytes: int


@dataclass(slots=True)
class WarmWorker:
    """Renders one file at a time in children of a zygote, as a worker does."""

    place: Workplace
    children: Children
    loop: asyncio.Runner
    peaks: list[int] = field(default_factory=list)

    def render(
        self,
        kind: str,
        source: Path,
        order: Mapping[str, Any],
        hardware: Hardware = NO_HARDWARE,
        hear: Hear = _not_heard,
        processes: int | None = None,
    ) -> Rendered:
        """Render with `kind`, under the limits a worker sets. Raises `JobFailed`.

        In as many `processes` as told; None leaves it to the work.
        """
        task = ChildTask(
            kind=kind,
            input={"source": {"asset_id": "a1"}, **order},
            files={"source": str(source)},
            scratch=str(self.place.room("render")),
            limits=Limits(cpu_s=int(LONGEST_S) * 4, file_bytes=4 * _GIB, open_files=256),
            processes=processes,
            log_fields={"job_id": "bench"},
            hardware=hardware,
        )
        begun_at = time.perf_counter()
        done = self.loop.run(self.children.run(task, hear))
        wall_s = time.perf_counter() - begun_at
        (file,) = done.files
        peak_bytes = done.usage.peak_memory_bytes
        if peak_bytes is None:
            raise RuntimeError("the child did not say what memory it took")
        return Rendered(wall_s, Path(task.scratch) / file.path, peak_bytes)

    def cost(
        self,
        kind: str,
        source: Path,
        order: Mapping[str, Any],
        processes: int | None = None,
    ) -> Cost:
        """Render, keep the peak, drop the file, and return the time taken.

        A child's CPU time is the zygote's to see, so only the wall's is known.
        """
        made = self.render(kind, source, order, processes=processes)
        self.peaks.append(made.peak_bytes)
        made.path.unlink()
        return Cost(made.wall_s, float("nan"))


@contextmanager
def warm_worker(place: Workplace) -> Iterator[WarmWorker]:
    """Start a zygote, wait until it is ready, and end it afterwards."""
    with asyncio.Runner() as loop:
        children = warm_children(place, Children)
        try:
            yield WarmWorker(place, children, loop)
        finally:
            children.close()


def warm_children(place: Workplace, made: type[C]) -> C:
    """Return children whose zygote is ready; close them in the thread that asked."""
    # As an image holds them: what compiled them itself keeps 120 MB of the compiler's, and
    # hands them to its children.
    place.python("-c", "from gpu_worker.media.warm import compile_kernels as c; c()")
    log_path = place.room("zygote") / "log.jsonl"
    # The zygote's own lines would stand among the table's: its shell sends them to a file.
    shell = f'exec "$@" >>{shlex.quote(str(log_path))} 2>&1'
    children = made(
        command=(
            *("/bin/sh", "-c", shell, "zygote"),
            *(sys.executable, "-u", "-m", "gpu_worker.sandbox.zygote", KINDS_PACKAGE),
        ),
        environment=clean_environment(os.environ, numba_cache_dir=str(place.kernels)),
        at_once=1,
        oom_kills=machine.oom_kills,
    )
    try:
        children.start().wait_ready(LONGEST_S)
    except BaseException:
        children.close()
        raise
    return children
