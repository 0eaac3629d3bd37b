"""Clocks that jump, stand still or run for years, and sound to match."""

import struct
from collections.abc import Callable

from tests.media.hostile.boxes import (
    INFO,
    TRACKS,
    box,
    boxes,
    cluster,
    decimal,
    edited,
    element,
    full,
    instead,
    matroska,
    number,
    patched,
    track_edited,
    u16,
    u32,
    video_track,
    with_more,
    with_track,
)
from tests.media.hostile.entry import AVI, MKV, MOV, MP4, VIDEO_DOORS, Ground, Hostile

_STBL = "mdia/minf/stbl"
_MDHD, _ELST = "mdia/mdhd", "edts/elst"
Make = Callable[[Ground], bytes]


def _stts(*runs: int, track: int = 0, sort: str = "mp4 silent") -> Make:
    """Samples that last as said: pairs of how many and how long."""
    table = u32(0, len(runs) // 2, *runs)
    return lambda ground: track_edited(
        ground.good.clip(sort), track, f"{_STBL}/stts", instead(table)
    )


def _timescale(value: int) -> Make:
    return lambda ground: track_edited(
        ground.good.clip("mp4 silent"), 0, _MDHD, patched(12, u32(value))
    )


def _movie_timescale(value: int, length: int) -> Make:
    return lambda ground: edited(
        ground.good.clip("mp4"), "moov/mvhd", patched(12, u32(value, length))
    )


def _offsets(*offsets: int) -> Make:
    runs = b"".join(u32(1, each) for each in offsets)
    table = full(b"ctts", u32(len(offsets)), runs)
    return lambda ground: track_edited(
        ground.good.clip("mp4 silent"), 0, _STBL, with_more(table)
    )


def _edits(*edits: tuple[int, int, int]) -> Make:
    """Edits by length, beginning and rate."""
    table = u32(0, len(edits)) + b"".join(struct.pack(">IiI", *each) for each in edits)

    def made(ground: Ground) -> bytes:
        return track_edited(ground.good.clip("mp4 silent"), 0, _ELST, instead(table))

    return made


def _mjpeg(*times_ms: int, scale_ns: int = 1_000_000, more: bytes = b"") -> Make:
    """Pictures at these times, with nothing said of their rate."""

    def made(ground: Ground) -> bytes:
        picture = ground.good.image("JPEG")
        return matroska(
            element(INFO, number(0x2AD7B1, scale_ns)),
            element(TRACKS, video_track(more)),
            *(cluster(at, (0, picture)) for at in times_ms),
        )

    return made


def _long_sound(ground: Ground) -> bytes:
    """Hours of a still picture, and sound of which each packet is to last for an hour."""
    data = _stts(8, 3599 * 12_800, sort="mp4")(ground)
    return track_edited(data, 1, f"{_STBL}/stts", instead(u32(0, 1, 100, 3600 * 48_000)))


def _silence(ground: Ground) -> bytes:
    """Eight hours of sound in as many packets as a second has."""
    return _stts(100, 8 * 3600 * 48_000 // 16, track=1, sort="mp4")(ground)


def _avi_rate(scale: int, rate: int) -> Make:
    def made(ground: Ground) -> bytes:
        data = ground.good.clip("avi")
        at = data.index(b"strh") + 8 + 20
        return data[:at] + struct.pack("<II", scale, rate) + data[at + 8 :]

    return made


def _avi_sound(channels: int, rate: int) -> Make:
    def made(ground: Ground) -> bytes:
        data = ground.good.clip("avi")
        at = data.index(b"strf", data.index(b"auds")) + 8
        wave = struct.pack("<HHIIHH", 1, channels, rate, rate, 2, 16)
        return data[:at] + wave + data[at + 16 :]

    return made


def _matroska_sound(channels: int, rate: float, codec: bytes = b"A_PCM/INT/LIT") -> Make:
    track = element(
        0xAE,
        *(number(0xD7, 9), number(0x73C5, 9), number(0x83, 2), element(0x86, codec)),
        element(0xE1, decimal(0xB5, rate), number(0x9F, channels), number(0x6264, 16)),
    )
    return lambda ground: with_track(ground.good.clip("mkv"), track)


def _mov_sound(channels: int, rate: int) -> Make:
    def entry(body: bytes) -> bytes:
        ((kind, inside),) = boxes(body[8:])
        said = inside[:16] + u16(channels, 16, 0, 0) + u32(rate) + inside[28:]
        return body[:8] + box(kind, said)

    return lambda ground: track_edited(ground.good.clip("mov"), 1, f"{_STBL}/stsd", entry)


_YEAR_S = 365 * 24 * 3600
JUMPS = (
    Hostile("two frames a year apart", _mjpeg(0, _YEAR_S * 1000), MKV),
    Hostile("frames an hour apart", _mjpeg(*range(0, 100 * 3_599_000, 3_599_000)), MKV),
    Hostile("frames that jump back and forth", _mjpeg(*[0, 2**40] * 20), MKV),
    Hostile(
        "frames at the end of time",
        _mjpeg(2**62, 2**62 + 40, 2**62 + 80),
        MKV,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile("frames a nanosecond apart", _mjpeg(*range(50), scale_ns=1), MKV),
    Hostile(
        "frames of a nanosecond, said so",
        _mjpeg(*range(0, 400, 40), more=number(0x23E383, 1)),
        MKV,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile(
        "ticks of no time", _mjpeg(0, 40, 80, scale_ns=0), MKV, safe_at=VIDEO_DOORS, either=True
    ),
    Hostile("ticks of a century", _mjpeg(0, 1, 2, scale_ns=100 * _YEAR_S * 10**9), MKV),
    Hostile("frames that last for years", _stts(8, 0x7FFFFFFF), MP4),
    Hostile(
        "frames that last less than nothing",
        _stts(8, 0xFFFFFFFF),
        MP4,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile("frames that last no time", _stts(8, 0), MP4, safe_at=VIDEO_DOORS, either=True),
    Hostile("one frame of a week", _stts(7, 512, 1, 7 * 24 * 3600 * 12_800), MP4),
    Hostile("timescale of zero", _timescale(0), MP4, safe_at=VIDEO_DOORS, either=True),
    Hostile(
        "timescale of four thousand millions",
        _timescale(2**32 - 1),
        MP4,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile(
        "movie of a hundred years", _movie_timescale(1, 2**32 - 1), MP4, safe_at=VIDEO_DOORS
    ),
    Hostile(
        "movie's timescale of zero",
        _movie_timescale(0, 1),
        MP4,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile(
        "offsets of years",
        _offsets(0, 0x7FFFFFFF, 0, 0x7FFFFFFF, 0, 0, 0, 0),
        MP4,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile(
        "hundred thousand edits",
        _edits(*[(320, 0, 0x10000)] * 100_000),
        MP4,
        endless=True,
    ),
    Hostile(
        "edit of a hundred years",
        _edits((2**32 - 1, -1, 0x10000), (320, 0, 0x10000)),
        MP4,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile(
        "edits before the beginning",
        _edits((320, -5, 0), (320, 2**31 - 1, 0)),
        MP4,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile("AVI of no rate", _avi_rate(0, 0), AVI, safe_at=VIDEO_DOORS, either=True),
    Hostile("AVI of four thousand million frames a second", _avi_rate(1, 2**32 - 1), AVI),
    Hostile("AVI of a frame in an age", _avi_rate(2**31 - 1, 1), AVI),
)
SOUND = (
    Hostile("hours of sound in a kilobyte", _long_sound, MP4, safe_at=VIDEO_DOORS),
    Hostile("eight hours of silence in a kilobyte", _silence, MP4, safe_at=VIDEO_DOORS),
    Hostile(
        "AVI with 65535 channels",
        _avi_sound(65_535, 48_000),
        AVI,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile(
        "AVI with a thousand million samples a second",
        _avi_sound(2, 10**9),
        AVI,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile(
        "Matroska with a million channels",
        _matroska_sound(10**6, 48_000),
        MKV,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile(
        "Matroska with a thousand million samples a second",
        _matroska_sound(2, 1e9),
        MKV,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile(
        "Matroska with sound of no rate",
        _matroska_sound(2, float("nan")),
        MKV,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile(
        "QuickTime with 65535 channels",
        _mov_sound(65_535, 48_000 << 16),
        MOV,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile(
        "QuickTime with sound of no rate",
        _mov_sound(2, 0),
        MOV,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
)
