"""The work of an export kind: look the input through, plan, render, and say what was made."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from gpu_worker.kind_work import Made, MadeFile, Work
from gpu_worker.media.decoding.footage import Source
from gpu_worker.media.decoding.probe import probe
from gpu_worker.media.encoding.encoders import refuse_too_fast
from gpu_worker.media.encoding.levels import Loudness
from gpu_worker.media.encoding.loudness import Levelling, levelling_for, loudness_of
from gpu_worker.media.encoding.stills import sheet_jpeg
from gpu_worker.media.fallback import render_on
from gpu_worker.media.layers.prepare import prepared
from gpu_worker.media.render import Rendered
from gpu_worker.media.segments import Order as RenderOrder
from shared.delivery_models import (
    DELIVERY_OUTPUTS,
    POSTER_OUTPUT,
    SPRITES_OUTPUT,
    SPRITES_VTT_OUTPUT,
    VIDEO_OUTPUT,
    SoundLoudness,
    SpriteSheet,
)
from shared.render.cropping import Size
from shared.render.delivery import Delivery
from shared.render.plan import Footage, Plan, Remark
from shared.render.stills import Sprites, Stills
from shared.render_models import ExportInput, ExportResult
from shared.work import Notice

Order = TypeVar("Order", bound=ExportInput)

_SOURCE = "source"  # the path of the video's reference in an export's input
# Where a player looks for the sheet, beside its WebVTT in the bucket.
_SHEET_NAME = "sprites.jpg"


def run_export(work: Work[Order], plan_of: Callable[[Footage], Plan], size: Size) -> Made:
    """Carry out an export whose plan follows from what the probe finds.

    Raises `JobFailed`; what is only worth knowing is said with `work.warn`.
    """
    work.progress("prepare", 0.0)
    with work.looking():
        source = probe(work.files[_SOURCE])
    work.probed(_SOURCE, source.facts)
    delivery = work.input.delivery
    refuse_too_fast(delivery, source.video.rate)
    plan = plan_of(source.footage)
    with work.looking():
        layers = prepared(plan, work.files)
    _tell(work, (*source.remarks, *plan.remarks, *layers.remarks))
    work.progress("prepare", 1.0)

    levelling = None
    if delivery.loudness_lufs is not None:
        levelling = levelling_for(source, plan, delivery.loudness_lufs)
    made = render_on(
        work.hardware,
        RenderOrder(
            source, plan, delivery, levelling.level if levelling else None, layers.arts
        ),
        work.scratch / "export.mp4",
        lambda fraction: work.progress("render", fraction),
        work.crew,
    )
    _tell(work, made.remarks)
    after = loudness_of(made.path) if levelling and made.has_audio else None
    if levelling and after:
        _tell(work, levelling.remarks(after))

    stills = Stills.of(delivery, made.frames, source.video.rate, size)
    files = {VIDEO_OUTPUT: made.path, **_written_stills(stills, made, work.scratch)}
    return Made(
        _result(source, size, delivery, made, stills, _loudness(levelling, after)),
        tuple(MadeFile(name, file, DELIVERY_OUTPUTS[name]) for name, file in files.items()),
    )


def _result(
    source: Source,
    size: Size,
    delivery: Delivery,
    made: Rendered,
    stills: Stills,
    loudness: SoundLoudness | None,
) -> ExportResult:
    rate, poster = source.video.rate, made.seen.poster
    return ExportResult(
        frames=made.frames,
        duration_s=float(made.frames / rate),
        width_px=size.width_px,
        height_px=size.height_px,
        rate=f"{rate.numerator}/{rate.denominator}",
        rate_hz=float(rate),
        has_audio=made.has_audio,
        size_bytes=made.size_bytes,
        codec=delivery.codec,
        quality=delivery.quality,
        poster_time_s=float(poster.number / rate) if poster else None,
        sprites=_sheet(stills.sprites) if stills.sprites else None,
        loudness=loudness,
    )


def _written_stills(stills: Stills, made: Rendered, folder: Path) -> dict[str, Path]:
    """The files of the still pictures a render kept, by their outputs' names."""
    contents: dict[str, bytes] = {}
    if made.seen.poster is not None:
        contents[POSTER_OUTPUT] = made.seen.poster.jpeg
    if stills.sprites is not None:
        contents[SPRITES_OUTPUT] = sheet_jpeg(stills.sprites, made.seen.thumbs)
        contents[SPRITES_VTT_OUTPUT] = stills.sprites.webvtt(_SHEET_NAME).encode()
    files = {name: folder / name for name in contents}
    for name, file in files.items():
        file.write_bytes(contents[name])
    return files


def _sheet(sprites: Sprites) -> SpriteSheet:
    return SpriteSheet(
        count=sprites.count,
        columns=sprites.columns,
        rows=sprites.rows,
        width_px=sprites.thumb.width_px,
        height_px=sprites.thumb.height_px,
        interval_s=float(sprites.interval),
    )


def _loudness(levelling: Levelling | None, after: Loudness | None) -> SoundLoudness | None:
    if levelling is None or after is None:
        return None
    before, level = levelling.before, levelling.level
    return SoundLoudness(
        target_lufs=levelling.target_lufs,
        measured_lufs=before.lufs,
        measured_peak_dbtp=before.peak_dbtp,
        gain_db=level.gain_db if level else None,
        limited=level is not None and level.limit_dbtp is not None,
        result_lufs=after.lufs,
        result_peak_dbtp=after.peak_dbtp,
    )


def _tell(work: Work[Order], remarks: Iterable[Remark]) -> None:
    for remark in remarks:
        work.warn(Notice(code=remark.code, message=remark.message))
