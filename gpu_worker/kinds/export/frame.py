"""`export.frame`: one finished frame, as the encoder of an export is given it, as a picture."""

from collections.abc import Iterable

from av.video.frame import VideoFrame
from PIL import Image

from gpu_worker.kind_work import Made, MadeFile, Work
from gpu_worker.media.decoding.footage import Source
from gpu_worker.media.decoding.probe import probe
from gpu_worker.media.engine import Engine
from gpu_worker.media.layers.drawing import LayerDrawing
from gpu_worker.media.layers.prepare import Prepared, prepared
from gpu_worker.media.render import cpu_engine
from gpu_worker.media.stills.from_planes import output_rgb
from gpu_worker.media.stills.writing import write_still
from shared.kinds.export.frame import KIND, FrameInput, FrameResult
from shared.render.plan import Plan, Remark
from shared.work import Notice

__all__ = ["KIND", "run"]

_SOURCE = "source"


def run(work: Work[FrameInput], engine: Engine | None = None) -> Made:
    """Make the picture. Raises `JobFailed` with what the person can do about it."""
    work.progress("prepare", 0.0)
    with work.looking():
        source = probe(work.files[_SOURCE])
    work.probed(_SOURCE, source.facts)
    number = work.input.number_in(source.footage)
    plan = work.input.plan(source.footage)
    with work.looking():
        layers = prepared(plan, work.files)
    work.progress("render", 0.0)
    frame, found = rendered(engine or cpu_engine(work.crew), source, plan, number, layers)
    _tell(work, (*source.remarks, *plan.remarks, *layers.remarks, *found))
    return _made(work, source, number, frame)


def rendered(
    engine: Engine, source: Source, plan: Plan, number: int, layers: Prepared
) -> tuple[VideoFrame, tuple[Remark, ...]]:
    """One frame of a plan, decoded from the sync sample before it, and what was found."""
    drawing = LayerDrawing(plan, layers.arts, source.look.colours) if layers.arts else None
    with engine.frames(source, plan, range(number, number + 1), drawing) as frames:
        (frame,) = frames
    return frame, frames.remarks


def _made(work: Work[FrameInput], source: Source, number: int, frame: VideoFrame) -> Made:
    form = work.input.format
    path = work.scratch / f"frame.{form.value}"
    picture = Image.fromarray(output_rgb(frame, source.look.colours))
    write_still(picture, path, form, work.input.quality)
    work.progress("render", 1.0)
    result = FrameResult(
        frame=number,
        time_s=float(number / source.video.rate),
        width_px=picture.width,
        height_px=picture.height,
        format=form,
        size_bytes=path.stat().st_size,
    )
    return Made(result, (MadeFile("image", path, form.content_type),))


def _tell(work: Work[FrameInput], remarks: Iterable[Remark]) -> None:
    for remark in remarks:
        work.warn(Notice(code=remark.code, message=remark.message))
