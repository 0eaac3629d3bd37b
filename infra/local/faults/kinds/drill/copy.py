"""The work of the drill: copies, at once or slowly, or comes to grief as it is told."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from gpu_worker.kind_work import Made, MadeFile, Work
from infra.local.faults.drill import KIND, Conduct, CopyInput, CopyOutput, copied
from shared.work import Notice, Usage

__all__ = ["KIND", "run"]

MIB = 2**20
STEP_S = 0.05


def run(work: Work[CopyInput]) -> Made:
    """Behave as the input says."""
    return _CONDUCTS[work.input.conduct](work)


def _copies(work: Work[CopyInput]) -> Made:
    begun_at_s = time.monotonic()
    (source,) = work.files.values()
    work.probed("source", {"width_px": 64})
    work.warn(Notice(code="drill", message="This is a drill."))
    while (spent_s := time.monotonic() - begun_at_s) < work.input.seconds:
        work.progress("work", spent_s / work.input.seconds)
        time.sleep(STEP_S)
    work.progress("work", 1.0)
    made = work.scratch / "copy.mp4"
    made.write_bytes(copied(source.read_bytes()))
    return Made(
        CopyOutput(size_bytes=made.stat().st_size),
        (MadeFile("video", made, "video/mp4"),),
        Usage(run_s=time.monotonic() - begun_at_s),
    )


def _grows(_work: Work[CopyInput]) -> NoReturn:
    kept = []
    while True:
        kept.append(bytearray(64 * MIB))


def _fills(work: Work[CopyInput]) -> NoReturn:
    with Path(work.scratch, "endless").open("wb") as endless:
        while True:
            endless.write(bytes(MIB))


def _stalls(_work: Work[CopyInput]) -> NoReturn:
    while True:
        time.sleep(3600)


def _breaks(_work: Work[CopyInput]) -> NoReturn:
    raise RuntimeError("this kind is broken")


_CONDUCTS: dict[Conduct, Callable[[Work[CopyInput]], Made]] = {
    "copies": _copies,
    "grows": _grows,
    "fills": _fills,
    "stalls": _stalls,
    "breaks": _breaks,
}
