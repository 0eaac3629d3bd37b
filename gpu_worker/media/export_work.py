"""The work of an export kind: look the input through, plan, render, and say what was made."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from gpu_worker.kind_work import Made, MadeFile, Work
from gpu_worker.media.decoding.probe import probe
from gpu_worker.media.render import render
from shared.render.cropping import Size
from shared.render.delivery import Delivery
from shared.render.plan import Footage, Plan, Remark
from shared.render_models import ExportInput, ExportResult
from shared.work import Notice

Order = TypeVar("Order", bound=ExportInput)

_SOURCE = "source"  # the path of the video's reference in an export's input
_OUTPUT = "video"


def run_export(work: Work[Order], plan_of: Callable[[Footage], Plan], size: Size) -> Made:
    """Carry out an export whose plan follows from what the probe finds.

    Raises `JobFailed`; what is only worth knowing is said with `work.warn`.
    """
    work.progress("prepare", 0.0)
    source = probe(work.files[_SOURCE])
    work.probed(_SOURCE, source.facts)
    plan = plan_of(source.footage)
    _tell(work, (*source.remarks, *plan.remarks))
    work.progress("prepare", 1.0)

    path = work.scratch / "export.mp4"
    made = render(
        source,
        plan,
        Delivery(),
        path,
        lambda fraction: work.progress("render", fraction),
    )
    _tell(work, made.remarks)

    rate = source.video.rate
    result = ExportResult(
        frames=made.frames,
        duration_s=float(made.frames / rate),
        width_px=size.width_px,
        height_px=size.height_px,
        rate=f"{rate.numerator}/{rate.denominator}",
        rate_hz=float(rate),
        has_audio=made.has_audio,
        size_bytes=made.size_bytes,
    )
    return Made(result, (MadeFile(_OUTPUT, path, "video/mp4"),))


def _tell(work: Work[Order], remarks: Iterable[Remark]) -> None:
    for remark in remarks:
        work.warn(Notice(code=remark.code, message=remark.message))
