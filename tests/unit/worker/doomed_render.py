"""A worker that renders, to be killed: prints the numbers of all its processes, and goes on.

`doomed_render.py PROCESSES SOURCE FOLDER`: the zygote, its child, and the child's parts.
"""

import asyncio
import os
import sys
from pathlib import Path

import psutil

from gpu_worker.sandbox.child_messages import ChildMessage, ChildTask, Limits, Progressed
from gpu_worker.sandbox.children import Children
from gpu_worker.transfers.scratch import hold_scratch
from tests.support.warm_exports import media_children

ORDER = {
    "source": {"asset_id": "a1"},
    "crop_keyframes": None,
    "output_width": 1080,
    "output_height": 1920,
}


async def work(children: Children, processes: int, source: str, folder: Path) -> None:
    """Render, and say so once frames come."""
    async with asyncio.timeout(120):
        with hold_scratch(folder, "doomed") as scratch:
            async with scratch.place("job-1", 1) as place:
                task = ChildTask(
                    kind="export.framing",
                    input=ORDER,
                    files={"source": source},
                    scratch=str(place.work),
                    limits=Limits(cpu_s=600, file_bytes=2**30, open_files=256),
                    processes=processes,
                    log_fields={},
                )
                await children.run(task, _tell(children.start().pid))


def _tell(zygote_pid: int):
    told = []

    def hear(message: ChildMessage) -> None:
        if isinstance(message, Progressed) and message.stage == "render" and not told:
            below = psutil.Process(zygote_pid).children(recursive=True)
            told.append(True)
            sys.stdout.write(
                " ".join(str(pid) for pid in (zygote_pid, *(p.pid for p in below)))
            )
            sys.stdout.write("\n")
            sys.stdout.flush()

    return hear


def main() -> None:
    """Start the zygote, and work."""
    processes, source, folder = sys.argv[1:]
    children = media_children()
    # What the zygote logs is not for the one who reads our numbers.
    out = os.dup(1)
    os.dup2(2, 1)
    children.start()
    os.dup2(out, 1)
    asyncio.run(work(children, int(processes), source, Path(folder)))


if __name__ == "__main__":
    main()
