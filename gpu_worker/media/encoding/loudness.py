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
from gpu_worker.media.encoding.aac import SAMPLE_FORMAT
from gpu_worker.media.encoding.cut_sound import Cut, CutSound
from gpu_worker.media.encoding.levels import (
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
    "The sound has peaks too high above the rest to come close to the loudness asked for.",
)

_HIGHEST_PEAK_DBTP = -1.0
_LIMIT_DBTP = -2.0  # AAC moves peaks: by less than 1 dB unless the sound is held back hard
_CLOSE_LU, _REACHED_LU = 0.1, 0.5
_MOST_TRIES = 6
_LEAST_SLOPE = 0.3  # of loudness over gain, where much is held back
_MOST_MORE_DB = 12.0  # of gain, to make up for what the limiter takes


@dataclass(frozen=True, slots=True)
class Levelling:
    """How a plan's sound was found, and the level it gets; none leaves it as it is."""

    target_lufs: float
    before: Loudness
    level: Level | None

    def remarks(self, after: Loudness) -> tuple[Remark, ...]:
        """What the person should know, now that the sound was coded and measured again."""
        if self.level is None:
            return () if _is_loud(self.before) else (LEFT_ALONE,)
        missed = after.lufs is None or abs(after.lufs - self.target_lufs) > _REACHED_LU
        high = after.peak_dbtp is not None and after.peak_dbtp > _HIGHEST_PEAK_DBTP
        return (NOT_REACHED,) if missed or high else ()


def levelling_for(source: Source, plan: Plan, target_lufs: float) -> Levelling | None:
    """The level that brings the sound of a plan to a loudness; None where there is no sound.

    Reads the sound once, and once more for each try where peaks must be held back. Raises
    `JobFailed`.
    """
    track = track_of(source, plan)
    if track is None:
        return None
    kept = _Kept(source, plan, track)
    before = kept.measured()
    if before.lufs is None or before.peak_dbtp is None or not _is_loud(before):
        return Levelling(target_lufs, before, None)
    gain_db = target_lufs - before.lufs
    if abs(gain_db) <= _CLOSE_LU and before.peak_dbtp <= _HIGHEST_PEAK_DBTP:
        return Levelling(target_lufs, before, None)
    if before.peak_dbtp + gain_db <= _LIMIT_DBTP:
        return Levelling(target_lufs, before, Level(gain_db))
    return Levelling(target_lufs, before, _limited(kept, target_lufs, gain_db))


def loudness_of(path: Path) -> Loudness:
    """The loudness of the sound in a finished file, as a player would decode it."""
    with opened(path, unseen=0) as container:
        stream = container.streams.audio[0]
        layout = stream.codec_context.layout.name
        planar = AudioResampler(SAMPLE_FORMAT, layout, stream.codec_context.sample_rate)
        return measured(
            ready for frame in container.decode(stream) for ready in _ready(planar, frame)
        )


def _is_loud(found: Loudness) -> bool:
    return found.lufs is not None and found.lufs >= QUIETEST_LUFS


def _ready(planar: AudioResampler, frame: AudioFrame) -> list[AudioFrame]:
    frame.pts = None
    return planar.resample(frame)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The sound of a plan, to be read from its beginning as often as needed."""

    source: Source
    plan: Plan
    track: AudioTrack

    def measured(self, level: Level | None = None) -> Loudness:
        with ExitStack() as opening:
            container, stream = open_track(self.source, self.track, opening)
            pieces = CutSound(container, stream, Cut.of(self.source, self.plan)).pieces()
            return measured(pieces if level is None else levelled(pieces, level))


def _limited(kept: _Kept, target_lufs: float, gain_db: float) -> Level:
    """The level that comes closest of a few with their peaks held back.

    A limiter takes some loudness, the more the harder it works: each try makes up for what
    the one before missed, by how much the last step of gain has brought.
    """
    most_db = gain_db + _MOST_MORE_DB
    tried: list[tuple[float, float]] = []
    while len(tried) < _MOST_TRIES:
        lufs = kept.measured(Level(gain_db, _LIMIT_DBTP)).lufs
        missed_lu = 0.0 if lufs is None else target_lufs - lufs
        tried.append((missed_lu, gain_db))
        next_db = min(gain_db + missed_lu / _slope(tried), most_db)
        if abs(missed_lu) <= _CLOSE_LU or next_db == gain_db:
            break
        gain_db = next_db
    return Level(min(tried, key=lambda each: abs(each[0]))[1], _LIMIT_DBTP)


def _slope(tried: list[tuple[float, float]]) -> float:
    if len(tried) < 2:
        return 1.0
    (missed_before, gain_before), (missed, gain) = tried[-2:]
    return min(1.0, max(_LEAST_SLOPE, (missed_before - missed) / (gain - gain_before)))
