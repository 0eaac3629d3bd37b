"""Render a plan: the input's kept frames painted, cropped and written with their sound."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from av.video.frame import VideoFrame

from gpu_worker.media.audio import open_sound
from gpu_worker.media.decode import FrameReader
from gpu_worker.media.effects import Painter
from gpu_worker.media.encode import VideoFile, check_written
from gpu_worker.media.footage import AUDIO_DROPPED, Source
from gpu_worker.media.pictures import picture_of
from gpu_worker.media.pipeline import Threads, painted
from gpu_worker.media.resample import Resampler
from shared.render.plan import Plan, Remark


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished file, and what the person should know of how it came about."""

    path: Path
    frames: int
    has_audio: bool
    size_bytes: int
    remarks: tuple[Remark, ...]


def cores_here() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0))


def render(
    source: Source,
    plan: Plan,
    into: Path,
    progress: Callable[[float], None],
    threads: Threads | None = None,
) -> Rendered:
    """Write the MP4 of a plan into a file.

    `progress` is called with 0 to 1 after each frame; what it raises stops the render, with
    every thread joined and every file closed. Raises `JobFailed`.
    """
    threads = threads or Threads.for_cores(cores_here())
    reader = FrameReader(source, threads.decode)
    painter = Painter(plan.effect, source.look)
    resampler = Resampler(plan.output)

    def paint(n: int, frame: VideoFrame) -> VideoFrame:
        picture = painter.painted(picture_of(frame, source.look), plan.regions(n))
        return resampler.frame(picture, plan.rect(n))

    with ExitStack() as opening:
        sound = open_sound(source, plan, opening)
        file = opening.enter_context(
            VideoFile(
                into,
                plan.output,
                source.video.rate,
                source.look.colours,
                sound,
                threads=threads.encode,
            )
        )
        frames = opening.enter_context(painted(reader.frames(plan.frames), paint, threads))
        for done, frame in enumerate(frames, start=1):
            file.add(frame)
            progress(done / len(plan.frames))
    has_audio = check_written(into, plan.output, len(plan.frames))
    silent = sound is not None and not has_audio
    return Rendered(
        path=into,
        frames=len(plan.frames),
        has_audio=has_audio,
        size_bytes=into.stat().st_size,
        remarks=(*reader.remarks, *([AUDIO_DROPPED] if silent else [])),
    )
