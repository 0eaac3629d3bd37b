"""A render on an engine that may fail, and once more on the one that does not."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path

from gpu_worker.hardware import Hardware
from gpu_worker.kind_work import Crew
from gpu_worker.media.cuda.choice import chosen
from gpu_worker.media.cuda.engine import CudaEngine
from gpu_worker.media.engine import Engine
from gpu_worker.media.render import Rendered, cpu_engine, render
from gpu_worker.media.segments import Order
from shared.render.plan import Remark

log = logging.getLogger(__name__)

GPU_UNAVAILABLE = Remark(
    "gpu_unavailable",
    "The graphics processor could not be used, so the export took longer. Its picture is the "
    "same.",
)
_STORAGE = frozenset({EDQUOT, EFBIG, ENOSPC})

Progress = Callable[[float], None]
Attempt = Callable[[Engine | None, Crew | None, Progress], Rendered]


def render_on(
    hardware: Hardware, order: Order, into: Path, progress: Progress, crew: Crew | None
) -> Rendered:
    """Write the MP4 of a plan into a file with what the hardware can do of it, or without.

    As `render` says otherwise. Raises `JobFailed`.
    """

    def attempt(engine: Engine | None, crew: Crew | None, progress: Progress) -> Rendered:
        return render(order, into, progress, engine, crew)

    choice = chosen(hardware, order.source, order.plan, order.delivery)
    engine = CudaEngine(choice, cpu_engine(crew)) if choice.any else None
    return with_fallback(engine, attempt, crew, progress)


def with_fallback(
    engine: Engine | None, attempt: Attempt, crew: Crew | None, progress: Progress
) -> Rendered:
    """Have a render made on an engine, or from the start on the CPU where that fails.

    Whatever it fails with: what is the input's fault fails on the CPU too, and says there
    what a person can do. Only a full disk is the same for both, and `Stopped` is no failure.
    Without an engine it is the CPU's at once, with its crew. After a failure it is one
    process's work, for a process that has spoken to a device must not fork. Progress never
    goes back: it waits where it is until the second start has caught up.
    """
    if engine is None:
        return attempt(None, crew, progress)
    held = _HeldProgress(progress)
    try:
        return attempt(engine, None, held)
    except Exception as error:  # what a driver's failures are called is for nobody to list
        if isinstance(error, OSError) and error.errno in _STORAGE:
            raise
        why = {"engine": engine.name, "why": repr(error), "at": round(held.furthest, 3)}
        log.warning("engine.failed", extra=why)
    made = attempt(cpu_engine(crew), None, held)
    return replace(made, remarks=(*made.remarks, GPU_UNAVAILABLE))


@dataclass(slots=True)
class _HeldProgress:
    say: Progress
    furthest: float = 0.0

    def __call__(self, fraction: float) -> None:
        # Said each time, whether it grew or not: saying it is where work learns to stop.
        self.furthest = max(self.furthest, fraction)
        self.say(self.furthest)
