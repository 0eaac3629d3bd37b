"""Bring an export's sound to a loudness: measure what is kept, choose a level, measure again.

A gain where its peaks leave room for it, else a gain with the peaks held back.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from gpu_worker.media.decoding.containers import opened
from gpu_worker.media.decoding.footage import AudioTrack, Source
from gpu_worker.media.encoding.cut_sound import SAMPLE_FORMAT, Cut, CutSound
from gpu_worker.media.encoding.levels import (
    LIMIT_DBTP,
    Level,
    Loudness,
    levelled,
    measured,
)
from gpu_worker.media.encoding.sound import open_track, track_of
from shared.render.plan import Plan, Remark

# What is quieter as a whole is a room's noise or none: louder it would be noise.
QUIETEST_LUFS: Final = -50.0
LEFT_ALONE: Final = Remark(
    "loudness_left_alone", "The sound is silent or nearly so and was left as it is."
)
NOT_REACHED: Final = Remark(
    "loudness_not_reached",
    "The sound has peaks too high above the rest to be brought to the loudness asked for.",
)

_HIGHEST_PEAK_DBTP = -1.0
_CLOSE_LU, _REACHED_LU = 0.1, 0.5
_MOST_TRIES = 4
_MOST_MORE_DB = 12.0  # of gain, to make up for what the limiter takes


@dataclass(frozen=True, slots=True)
class Levelling:
    """How a plan's sound was found, and the level it gets; none leaves it as it is."""

    target_lufs: float
    before: Loudness
    level: Level | None
    remarks: tuple[Remark, ...] = ()


def levelling_for(source: Source, plan: Plan, target_lufs: float) -> Levelling | None:
    """The level that brings the sound of a plan to a loudness; None where there is no sound.

    Reads the sound once, and once more for each try where peaks must be held back. Raises
    `JobFailed`.
    """
    track = track_of(source, plan)
    if track is None:
        return None
    kept = _Kept(source, plan, track)
    before = kept.measured(None)
    if before.lufs is None or before.peak_dbtp is None or before.lufs < QUIETEST_LUFS:
        return Levelling(target_lufs, before, None, (LEFT_ALONE,))
    gain_db = target_lufs - before.lufs
    if abs(gain_db) <= _CLOSE_LU and before.peak_dbtp <= _HIGHEST_PEAK_DBTP:
        return Levelling(target_lufs, before, None)
    if before.peak_dbtp + gain_db <= LIMIT_DBTP:
        return Levelling(target_lufs, before, Level(gain_db, limited=False))
    level, short_lu = _limited(kept, target_lufs, gain_db)
    remarks = (NOT_REACHED,) if abs(short_lu) > _REACHED_LU else ()
    return Levelling(target_lufs, before, level, remarks)


def loudness_of(path: Path) -> Loudness:
    """The loudness of the sound in a finished file, as a player would decode it."""
    with opened(path) as container:
        stream = container.streams.audio[0]
        layout = stream.codec_context.layout.name
        planar = AudioResampler(SAMPLE_FORMAT, layout, stream.codec_context.sample_rate)
        return measured(
            ready for frame in container.decode(stream) for ready in _ready(planar, frame)
        )


def _ready(planar: AudioResampler, frame: AudioFrame) -> list[AudioFrame]:
    frame.pts = None
    return planar.resample(frame)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The sound of a plan, to be read from its beginning as often as needed."""

    source: Source
    plan: Plan
    track: AudioTrack

    def measured(self, level: Level | None) -> Loudness:
        with ExitStack() as opening:
            container, stream = open_track(self.source, self.track, opening)
            pieces = CutSound(container, stream, Cut.of(self.source, self.plan)).pieces()
            return measured(pieces if level is None else levelled(pieces, level))

    def short_of(self, target_lufs: float, level: Level) -> float:
        after = self.measured(level)
        return 0.0 if after.lufs is None else target_lufs - after.lufs


def _limited(kept: _Kept, target_lufs: float, gain_db: float) -> tuple[Level, float]:
    """A level with its peaks held back, and by how much it still misses the target.

    The limiter takes some loudness; each try makes up for what the one before missed.
    """
    level = Level(gain_db, limited=True)
    short_lu = kept.short_of(target_lufs, level)
    for _ in range(_MOST_TRIES - 1):
        next_db = max(gain_db, min(level.gain_db + short_lu, gain_db + _MOST_MORE_DB))
        if abs(short_lu) <= _CLOSE_LU or next_db == level.gain_db:
            break
        level = Level(next_db, limited=True)
        short_lu = kept.short_of(target_lufs, level)
    return level, short_lu
