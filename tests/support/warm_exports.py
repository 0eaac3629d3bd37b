"""Exports in children of one warm zygote, as a worker makes them."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpu_worker.sandbox.child_messages import ChildMessage, ChildTask, Done, Limits, Warned
from gpu_worker.sandbox.children import Children, Grace, Hear
from gpu_worker.sandbox.zygote_process import clean_environment

LIMITS = Limits(memory_bytes=4 * 2**30, cpu_s=600, file_bytes=2**30, open_files=256)


@dataclass(frozen=True, slots=True)
class Made:
    """What a child made, and what was said on the way."""

    path: Path
    done: Done
    heard: list[ChildMessage]

    @property
    def frames(self) -> int:
        """How many there are."""
        return int(self.done.result["frames"])

    @property
    def peak_bytes(self) -> int:
        """The most memory that the child's processes took."""
        return self.done.usage.peak_memory_bytes or 0

    @property
    def warnings(self) -> list[str]:
        """The codes of what the person is told."""
        return [each.notice.code for each in self.heard if isinstance(each, Warned)]


@dataclass(slots=True)
class WarmExports:
    """Exports one file at a time; `scratch` is where each has a folder of its own."""

    children: Children
    loop: asyncio.Runner
    scratch: Path
    _made: list[Path] = field(default_factory=list)

    def export(
        self,
        kind: str,
        source: Path,
        *,
        processes: int | None = 1,
        hear: Hear = lambda _message: None,
        **fields: Any,
    ) -> Made:
        """Export a file with the kind `export.<kind>`. Raises `JobFailed`."""
        folder = self.scratch / str(len(self._made))
        folder.mkdir(parents=True)
        self._made.append(folder)
        order = {"source": {"asset_id": "a1"}, "crop_keyframes": None, **fields}
        task = ChildTask(
            kind=f"export.{kind}",
            input=order,
            files={"source": str(source)},
            scratch=str(folder),
            limits=LIMITS,
            cores=2,
            processes=processes,
            log_fields={"job_id": "job-1"},
        )
        heard: list[ChildMessage] = []

        def listen(message: ChildMessage) -> None:
            heard.append(message)
            hear(message)

        done = self.loop.run(self.children.run(task, listen))
        (video,) = (file for file in done.files if file.name == "video")
        return Made(folder / video.path, done, heard)


def media_children() -> Children:
    """Children that know the real kinds; close them in the thread that asked."""
    return Children(
        command=(sys.executable, "-m", "gpu_worker.sandbox.zygote", "gpu_worker.kinds"),
        environment=clean_environment(os.environ, numba_cache_dir=""),
        at_once=2,
        oom_kills=lambda: None,
        grace=Grace(unwind_s=1, gone_s=30),
    )


@contextmanager
def warm_exports(scratch: Path) -> Iterator[WarmExports]:
    """Start a zygote with the real kinds, and end it afterwards."""
    with asyncio.Runner() as loop:
        children = media_children()
        try:
            yield WarmExports(children, loop, scratch)
        finally:
            children.close()
