"""Parts of a render: frames of a plan in a file of their own, in a process of their own."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, with_config

from gpu_worker.kind_work import Crew, Part
from gpu_worker.media.cpu_engine import CpuEngine
from gpu_worker.media.decoding.footage import Source
from gpu_worker.media.encoding.encoders import bits_for
from gpu_worker.media.encoding.levels import Level
from gpu_worker.media.encoding.sound import EncodedSound, Sound, open_sound
from gpu_worker.media.encoding.stills import Seen, StillsWatch, together
from gpu_worker.media.encoding.stored_sound import open_stored, store_sound
from gpu_worker.media.encoding.video_file import VideoFile
from gpu_worker.media.engine import Engine
from gpu_worker.media.joining import Segment
from gpu_worker.media.layers.art import Art
from gpu_worker.media.layers.drawing import LayerDrawing
from gpu_worker.media.pipeline import Threads
from shared.render.delivery import Delivery
from shared.render.plan import Plan, Remark
from shared.render.stills import Stills

Progress = Callable[[float], None]

_SOUND = "sound.mp4"


@dataclass(frozen=True, slots=True)
class Order:
    """What is rendered: an input, its plan, and the form it is handed over in.

    `level` is what its sound is brought to; None leaves it as it is. `arts` are those of the
    plan's layers.
    """

    source: Source
    plan: Plan
    delivery: Delivery
    level: Level | None = None
    arts: tuple[Art | None, ...] = ()


@with_config(ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))
@dataclass(frozen=True, slots=True)
class Drawn:
    """What came of frames besides their packets."""

    remarks: tuple[Remark, ...]
    seen: Seen


_DRAWN = TypeAdapter(Drawn)


class DamagedOnTheWay(Exception):
    """Frames in the middle could not be read: how it goes on after them is for one reader."""


def draw(
    order: Order,
    frames: range,
    engine: Engine,
    sound: Sound | None,
    into: Path,
    progress: Progress,
) -> Drawn:
    """Write frames of the plan, the first at time 0, into an MP4. Raises `JobFailed`.

    `progress` is called with 0 to 1 after each frame; what it raises ends it, with every
    thread joined and every file closed.
    """
    source, plan = order.source, order.plan
    rate = source.video.rate
    stills = Stills.of(order.delivery, len(plan.frames), rate, plan.output)
    watch = StillsWatch(stills, source.look.colours)
    before = frames.start - plan.frames.start
    bits = bits_for(order.delivery, source.look.pixel_format)
    encoder = engine.encoder(order.delivery, bits)
    layers = LayerDrawing(plan, order.arts, source.look.colours) if order.arts else None
    with ExitStack() as opening:
        file = opening.enter_context(
            VideoFile(into, plan.output, rate, source.look.colours, encoder, sound)
        )
        made = opening.enter_context(engine.frames(source, plan, frames, layers, bits))
        for number, frame in enumerate(made):
            watch.see(before + number, frame)
            file.add(frame)
            progress((number + 1) / len(frames))
    return Drawn(made.remarks, watch.seen)


def draw_apart(
    order: Order, pieces: Sequence[range], crew: Crew, folder: Path, progress: Progress
) -> tuple[list[Segment], Drawn]:
    """Draw pieces of the plan side by side, each into a file of the folder.

    Sound that takes work is made meanwhile. Raises `JobFailed`, and `DamagedOnTheWay`.
    """
    segments = [
        Segment(folder / f"segment-{number}.mp4", piece) for number, piece in enumerate(pieces)
    ]
    engine = CpuEngine(Threads.for_cores(max(1, crew.cores // len(pieces))))
    parts: list[Part] = [partial(_draw_one, order, engine, each) for each in segments]
    if _sound_takes_work(order):
        parts.append(partial(_store_sound, order, folder / _SOUND))
    crew.do(parts, progress)
    drawn = [_DRAWN.validate_json(_beside(each).read_bytes()) for each in segments]
    if any(each.remarks for each in drawn[:-1]):
        raise DamagedOnTheWay
    return segments, Drawn(drawn[-1].remarks, together(each.seen for each in drawn))


def _draw_one(order: Order, engine: Engine, segment: Segment, progress: Progress) -> None:
    drawn = draw(order, segment.frames, engine, None, segment.path, progress)
    _beside(segment).write_bytes(_DRAWN.dump_json(drawn))


def sound_beside(order: Order, folder: Path, opening: ExitStack) -> Sound | None:
    """The sound for pieces drawn apart: what was made beside them, or the input's own."""
    stored = folder / _SOUND
    if stored.exists():
        return open_stored(stored, _length_s(order), opening)
    return open_sound(order.source, order.plan, opening, order.level)


def _sound_takes_work(order: Order) -> bool:
    with ExitStack() as opening:
        sound = open_sound(order.source, order.plan, opening, order.level)
        return isinstance(sound, EncodedSound)


def _store_sound(order: Order, into: Path, progress: Progress) -> None:
    with ExitStack() as opening:
        sound = open_sound(order.source, order.plan, opening, order.level)
        if sound is not None:
            store_sound(sound, _length_s(order), into, progress)


def _length_s(order: Order) -> Fraction:
    return len(order.plan.frames) / order.source.video.rate


def _beside(segment: Segment) -> Path:
    return segment.path.with_suffix(".json")
