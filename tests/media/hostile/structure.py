"""Containers that hold thousands of things, beside what is wanted, or end anywhere."""

from collections.abc import Callable

from tests.media.hostile.boxes import (
    box,
    boxes,
    edited,
    element,
    full,
    in_segment,
    instead,
    number,
    text,
    track_edited,
    u32,
    video_track,
    with_more,
    with_track,
)
from tests.media.hostile.entry import AVI, MKV, MP4, VIDEO_DOORS, Ground, Hostile
from tests.support.image_bytes import jpeg_header, png

_STBL = "mdia/minf/stbl"

Make = Callable[[Ground], bytes]


def _silent(ground: Ground) -> bytes:
    return ground.good.clip("mp4 silent")


def _moov(data: bytes) -> bytes:
    return next(body for kind, body in boxes(data) if kind == b"moov")


def _tracks(count: int) -> Make:
    def made(ground: Ground) -> bytes:
        data = _silent(ground)
        track = next(body for kind, body in boxes(_moov(data)) if kind == b"trak")
        return edited(data, "moov", with_more(box(b"trak", track) * count))

    return made


def _matroska_tracks(count: int) -> Make:
    def made(ground: Ground) -> bytes:
        more = [video_track(at=n) for n in range(2, count)]
        return with_track(ground.good.clip("mkv"), *more)

    return made


def _chapters(count: int) -> Make:
    def made(ground: Ground) -> bytes:
        atoms = [
            element(0xB6, number(0x73C4, count - n), number(0x91, n), number(0x92, n + 1))
            for n in range(count)
        ]
        return in_segment(ground.good.clip("mkv"), element(0x1043A770, element(0x45B9, *atoms)))

    return made


def _nero_chapters(ground: Ground) -> bytes:
    each = b"".join(n.to_bytes(8) + b"\1x" for n in range(255))
    chpl = full(b"chpl", bytes(4), b"\xff", each, version=1)
    return edited(_silent(ground), "moov", with_more(box(b"udta", chpl * 200)))


def _samples(change: bytes, name: str) -> Make:
    return lambda ground: track_edited(_silent(ground), 0, f"{_STBL}/{name}", instead(change))


def _fragments(ground: Ground) -> bytes:
    """Fragments of nothing."""
    extends = box(b"mvex", full(b"trex", u32(1, 1, 40, 100, 0)))
    data = edited(_silent(ground), "moov", with_more(extends))
    return (
        data + box(b"moof", full(b"mfhd", u32(1)), box(b"traf", full(b"tfhd", u32(1)))) * 1_000
    )


def _run_of_millions(ground: Ground) -> bytes:
    extends = box(b"mvex", full(b"trex", u32(1, 1, 40, 1, 0)))
    data = edited(_silent(ground), "moov", with_more(extends))
    run = full(b"trun", u32(0x7FFFFFFF))
    return data + box(b"moof", full(b"mfhd", u32(1)), box(b"traf", full(b"tfhd", u32(1)), run))


def _avi_streams(count: int) -> Make:
    def made(ground: Ground) -> bytes:
        data = ground.good.clip("avi")
        begins = data.index(b"LIST", 12)
        length = int.from_bytes(data[begins + 4 : begins + 8], "little")
        at = data.index(b"LIST", begins + 12)
        stream = data[at : at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")]
        size = (length + count * len(stream)).to_bytes(4, "little")
        header = data[begins : begins + 4] + size + data[begins + 8 : at]
        return data[:begins] + header + stream * count + data[at:]

    return made


def _cover_bomb(ground: Ground) -> bytes:
    data = box(b"data", u32(14, 0), png(60_000, 60_000, 8, 6, (b"IDAT", bytes(99))))
    handler = full(b"hdlr", bytes(4), b"mdirappl", bytes(9))
    meta = full(b"meta", handler, box(b"ilst", box(b"covr", data * 20)))
    return edited(_silent(ground), "moov", with_more(box(b"udta", meta)))


def _attached_bomb(ground: Ground) -> bytes:
    cover = element(
        0x61A7,
        *(text(0x466E, "cover.jpg"), text(0x4660, "image/jpeg"), number(0x46AE, 1)),
        element(0x465C, jpeg_header(65_500, 65_500)),
    )
    return in_segment(ground.good.clip("mkv"), element(0x1941A469, *[cover] * 20))


def _codec(sort: str, old: bytes, new: bytes) -> Make:
    return lambda ground: ground.good.clip(sort).replace(old, new)


def cut(sort: str, share: float) -> Make:
    """A good file up to some part of its length."""

    def made(ground: Ground) -> bytes:
        data = ground.good.clip(sort)
        return data[: int(len(data) * share)]

    return made


NUMBERS = (
    Hostile("MP4 of three hundred tracks", _tracks(300), MP4),
    Hostile("MP4 of twenty tracks", _tracks(20), MP4, safe_at=VIDEO_DOORS),
    Hostile("Matroska of a thousand tracks", _matroska_tracks(1000), MKV, safe_at=VIDEO_DOORS),
    Hostile("AVI of three hundred streams", _avi_streams(300), AVI),
    Hostile("hundred thousand chapters", _chapters(100_000), MKV, endless=True),
    Hostile("fifty thousand chapters of MP4", _nero_chapters, MP4, safe_at=VIDEO_DOORS),
    Hostile("thousand fragments", _fragments, MP4, safe_at=VIDEO_DOORS),
    Hostile(
        "run of two thousand million samples",
        _run_of_millions,
        MP4,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile(
        "two thousand million samples of a byte",
        _samples(u32(0, 1, 0x7FFFFFFF), "stsz"),
        MP4,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile("samples of two gigabytes", _samples(u32(0, 0x7FFFFFF0, 8), "stsz"), MP4),
    Hostile(
        "chunks of a thousand million samples",
        _samples(u32(0, 1, 1, 0x3FFFFFFF, 1), "stsc"),
        MP4,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile("chunks before the beginning", _samples(u32(0, 1, 0xFFFFFFF0), "stco"), MP4),
    Hostile("tables that say more than they hold", _samples(u32(0, 0xFFFFFFFF), "stts"), MP4),
)

BESIDE = (
    Hostile("covers of 60000 squared", _cover_bomb, MP4, safe_at=VIDEO_DOORS),
    Hostile("attached covers of 65500 squared", _attached_bomb, MKV, safe_at=VIDEO_DOORS),
    Hostile("codec nobody exports to", _codec("avi", b"FMP4", b"FPS1"), AVI),
    Hostile("codec of screen recordings", _codec("avi", b"FMP4", b"TSCC"), AVI),
    Hostile("codec that is none", _codec("mp4 silent", b"avc1", b"%s%n"), MP4),
)

TRUNCATED = tuple(
    Hostile(
        f"{sort} cut off at {share:.0%}",
        cut(sort, share),
        called,
        safe_at=VIDEO_DOORS,
        either=True,
    )
    for sort, called in (("mp4", MP4), ("mkv", MKV), ("avi", AVI))
    for share in (0.1, 0.5, 0.9)
)
