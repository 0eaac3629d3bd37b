"""Render a plan: the input's kept frames painted, cropped and written with their sound."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from gpu_worker.media.cpu_engine import CpuEngine
from gpu_worker.media.decoding.footage import AUDIO_DROPPED, Source
from gpu_worker.media.encoding.sound import open_sound
from gpu_worker.media.encoding.stills import Seen, StillsWatch
from gpu_worker.media.encoding.video_file import VideoFile, check_written
from gpu_worker.media.engine import Engine
from gpu_worker.media.pipeline import Threads
from shared.render.delivery import Delivery
from shared.render.plan import Plan, Remark
from shared.render.stills import Stills


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


def cores_here() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0))


def render(
    source: Source,
    plan: Plan,
    delivery: Delivery,
    into: Path,
    progress: Callable[[float], None],
    engine: Engine | None = None,
) -> Rendered:
    """Write the MP4 of a plan into a file.

    `progress` is called with 0 to 1 after each frame; what it raises stops the render, with
    every thread joined and every file closed. Raises `JobFailed`.
    """
    engine = engine or CpuEngine(Threads.for_cores(cores_here()))
    stills = Stills.of(delivery, len(plan.frames), source.video.rate, plan.output)
    watch = StillsWatch(stills, source.look.colours)
    with ExitStack() as opening:
        sound = open_sound(source, plan, opening)
        file = opening.enter_context(
            VideoFile(
                into,
                plan.output,
                source.video.rate,
                source.look.colours,
                engine.encoder(delivery),
                sound,
            )
        )
        frames = opening.enter_context(engine.frames(source, plan, plan.frames))
        for number, frame in enumerate(frames):
            watch.see(number, frame)
            file.add(frame)
            progress((number + 1) / len(plan.frames))
    has_audio = check_written(into, plan.output, len(plan.frames))
    silent = sound is not None and not has_audio
    return Rendered(
        path=into,
        frames=len(plan.frames),
        has_audio=has_audio,
        size_bytes=into.stat().st_size,
        remarks=(*frames.remarks, *([AUDIO_DROPPED] if silent else [])),
        seen=watch.seen,
    )
