"""Render a plan: the input's kept frames painted, cropped and written with their sound."""

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from gpu_worker.kind_work import CannotFork, Crew
from gpu_worker.media.cpu_engine import CpuEngine
from gpu_worker.media.decoding.footage import AUDIO_DROPPED, Source
from gpu_worker.media.encoding.sound import open_sound
from gpu_worker.media.encoding.stills import Seen
from gpu_worker.media.encoding.video_file import check_written
from gpu_worker.media.engine import Engine
from gpu_worker.media.joining import CannotJoin, join
from gpu_worker.media.pipeline import Threads
from gpu_worker.media.segments import (
    DamagedOnTheWay,
    Drawn,
    Order,
    draw,
    draw_apart,
    sound_beside,
)
from shared.errors import JobFailed
from shared.render.plan import Remark
from shared.render.splitting import parts_for, split

log = logging.getLogger(__name__)

_DRAWING = 0.97  # of the way, where the pieces are still to be joined


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished file, and what the person should know of how it came about.

    `seen` holds what the delivery's still pictures are made of.
    """

    path: Path
    frames: int
    has_audio: bool
    size_bytes: int
    remarks: tuple[Remark, ...]
    seen: Seen


@dataclass(frozen=True, slots=True)
class _Made:
    drawn: Drawn
    sounded: bool  # whether there was sound to bring along


def cores_here() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0))


def cpu_engine(crew: Crew | None) -> CpuEngine:
    """The CPU's engine with all the cores this work has."""
    return CpuEngine(Threads.for_cores(crew.cores if crew else cores_here()))


def render(
    order: Order,
    into: Path,
    progress: Callable[[float], None],
    engine: Engine | None = None,
    crew: Crew | None = None,
) -> Rendered:
    """Write the MP4 of an order into a file.

    With a crew, and cores and frames enough for it to pay, in several processes; the file is
    the same but for how the encoder spends its bits around the joints. `progress` is called
    with 0 to 1 after each frame; what it raises stops the render, with every thread joined,
    every file closed and every process gone. Raises `JobFailed`.
    """
    pieces: tuple[range, ...] = (order.plan.frames,)
    if crew is not None and (engine is None or isinstance(engine, CpuEngine)):
        pieces = _pieces(order, crew)
    made = _side_by_side(order, pieces, crew, into, progress) if crew else None
    if made is None:
        made = _in_one(order, engine or cpu_engine(crew), into, progress)
    return _looked_at(order, made, into)


def _pieces(order: Order, crew: Crew) -> tuple[range, ...]:
    """Where to cut: as the operator wants it, else where it pays."""
    source, plan = order.source, order.plan
    if crew.wanted is not None:
        return split(plan.frames, crew.wanted)
    count = parts_for(
        crew.cores,
        len(plan.frames),
        source.look.displayed,
        plan.output,
        crew.memory_bytes,
        order.delivery.codec,
    )
    # Where one group is long, fewer and longer pieces decode less of it in vain.
    fewer = (split(plan.frames, n) for n in range(count, 1, -1))
    return next((each for each in fewer if _begin_near(source, each)), (plan.frames,))


def _begin_near(source: Source, pieces: Sequence[range]) -> bool:
    """Whether each piece's first frame is decoded soon: no more before it than in it."""
    track = source.video
    if not track.stamped:
        return False
    ahead = (_decoded_before(source, piece.start) <= len(piece) for piece in pieces[1:])
    return all(ahead)


def _decoded_before(source: Source, first: int) -> int:
    track = source.video
    at = track.origin + first / track.rate / track.timebase
    synced = [each.pts for each in track.sync_samples if each.pts <= at]
    return round((at - max(synced, default=track.origin)) * track.timebase * track.rate)


def _in_one(
    order: Order, engine: Engine, into: Path, progress: Callable[[float], None]
) -> _Made:
    with ExitStack() as opening:
        sound = open_sound(order.source, order.plan, opening, order.level)
        drawn = draw(order, order.plan.frames, engine, sound, into, progress)
        return _Made(drawn, sound is not None)


def _side_by_side(
    order: Order,
    pieces: Sequence[range],
    crew: Crew,
    into: Path,
    progress: Callable[[float], None],
) -> _Made | None:
    """Draw and join pieces; None where this video has to be drawn in one."""
    if len(pieces) == 1:
        return None
    log.info("render.split", extra={"pieces": len(pieces), "cores": crew.cores})
    frames = len(order.plan.frames)
    folder = into.with_name(f"{into.name}.segments")
    folder.mkdir()
    try:
        segments, drawn = draw_apart(
            order, pieces, crew, folder, lambda done: progress(_DRAWING * done)
        )
        with ExitStack() as opening:
            sound = sound_beside(order, folder, opening)
            join(
                segments,
                order.source.video.rate,
                sound,
                into,
                lambda done: progress(_DRAWING + (1 - _DRAWING) * done / frames),
                consume=True,
            )
            return _Made(drawn, sound is not None)
    except (CannotFork, CannotJoin, DamagedOnTheWay) as error:
        log.warning("render.not_split", extra={"why": repr(error)})
        return None
    except JobFailed as error:
        if error.what != "input_unreadable":
            raise
        # Of a part nothing may be left where of the whole there is.
        log.warning("render.part_unreadable", extra={"why": str(error)})
        return None
    finally:
        rmtree(folder, ignore_errors=True)


def _looked_at(order: Order, made: _Made, into: Path) -> Rendered:
    plan, drawn = order.plan, made.drawn
    has_audio = check_written(into, plan.output, len(plan.frames))
    silent = made.sounded and not has_audio
    return Rendered(
        path=into,
        frames=len(plan.frames),
        has_audio=has_audio,
        size_bytes=into.stat().st_size,
        remarks=(*drawn.remarks, *([AUDIO_DROPPED] if silent else [])),
        seen=drawn.seen,
    )
