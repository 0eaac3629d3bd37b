"""Whether an exported file is what was asked for, seen by decoding it here."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an export should be: frames exactly, a size in pixels, sound or none."""

    frames: int
    width_px: int
    height_px: int
    has_audio: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a file is. Ends are in seconds after the file's zero; `audio_end` None: no sound."""

    frames: int
    width_px: int
    height_px: int
    video_codec: str
    audio_codec: str | None
    frame_s: Fraction
    video_end: Fraction
    audio_end: Fraction | None


def probe(path: Path) -> Found:
    """Decode every frame and read every audio packet of a file."""
    import av

    frames, video_end, audio_end = 0, Fraction(0), None
    with av.open(path) as container:
        video = container.streams.video[0]
        audio = container.streams.audio[0] if container.streams.audio else None
        for packet in container.demux():
            if packet.stream is audio and packet.pts is not None:
                audio_end = max(audio_end or Fraction(0), _end(packet))
            if packet.stream is video:
                if packet.pts is not None:
                    video_end = max(video_end, _end(packet))
                frames += len(packet.decode())
        return Found(
            frames,
            video.width,
            video.height,
            video.codec_context.name,
            audio.codec_context.name if audio else None,
            1 / Fraction(video.average_rate or 1),
            video_end,
            audio_end,
        )


def frames_between(path: Path, start_s: float, end_s: float) -> int:
    """Count the frames that a file shows first at `start_s ≤ t < end_s`."""
    import av

    with av.open(path) as container:
        video = container.streams.video[0]
        starts = [p.pts * p.time_base for p in container.demux(video) if p.pts is not None]
    zero = min(starts)
    return sum(start_s <= start - zero < end_s for start in starts)


def failures(found: Found, wanted: Wanted) -> Iterator[str]:
    """Yield a sentence for each thing that is not as wanted."""
    if found.frames != wanted.frames:
        yield f"{found.frames} frames, not {wanted.frames}"
    if (found.width_px, found.height_px) != (wanted.width_px, wanted.height_px):
        yield (
            f"{found.width_px} × {found.height_px}, not {wanted.width_px} × {wanted.height_px}"
        )
    if found.video_codec != "h264":
        yield f"video is {found.video_codec}, not h264"
    if found.audio_codec != ("aac" if wanted.has_audio else None):
        yield f"audio is {found.audio_codec}"
    if found.audio_end is not None:
        apart = abs(found.audio_end - found.video_end)
        if apart > found.frame_s:
            yield f"audio ends {float(apart):.3f} s from the video"


def _end(packet: Any) -> Fraction:
    # PyAV types a packet's times as optional; the caller has looked at pts.
    end: Fraction = (packet.pts + (packet.duration or 0)) * packet.time_base
    return end
