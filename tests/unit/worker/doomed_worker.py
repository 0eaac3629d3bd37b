"""A worker with a job in hand, to be killed: prints its processes' numbers, and waits.

Helper, zygote, child, grandchild.

Like the SDK it forks a helper that inherits everything and outlives it: so the end of the
worker must be learnt otherwise than by the end of a socket.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from pathlib import Path

from gpu_worker.sandbox.child_messages import ChildTask, Limits
from gpu_worker.sandbox.children import Children
from gpu_worker.sandbox.zygote_process import clean_environment


async def work(children: Children, helper: int, folder: Path) -> None:
    """Have a child hang, and say so once it does."""
    (folder / "work").mkdir()
    task = ChildTask(
        kind="sample.conduct",
        input={"conduct": "refuses_to_die", "mark": str(folder)},
        files={},
        scratch=str(folder / "work"),
        caches=[str(folder)],
        limits=Limits(memory_bytes=None, cpu_s=60, file_bytes=1024, open_files=64),
        log_fields={},
    )

    def hear(_message: object) -> None:
        marked = [int((folder / name).read_text()) for name in ("child", "grandchild")]
        pids = [helper, children.start().pid, *marked]
        sys.stdout.write(" ".join(map(str, pids)) + "\n")
        sys.stdout.flush()

    await children.run(task, hear)


def linger() -> None:
    """Outlive the worker, as the SDK's heartbeat does, until somebody ends it."""
    signal.alarm(120)
    signal.pause()


def main() -> None:
    """Start the zygote, fork the helper, work."""
    children = Children(
        (sys.executable, "-m", "gpu_worker.sandbox.zygote", "tests.support.worker_kinds"),
        clean_environment(os.environ, numba_cache_dir=""),
        at_once=1,
        oom_kills=lambda: None,
    )
    # What the zygote logs is not for the one who reads our numbers.
    out = os.dup(1)
    os.dup2(2, 1)
    children.start()
    os.dup2(out, 1)
    helper = multiprocessing.get_context("fork").Process(target=linger)
    helper.start()
    asyncio.run(work(children, helper.pid or 0, Path(sys.argv[1])))


if __name__ == "__main__":
    main()
