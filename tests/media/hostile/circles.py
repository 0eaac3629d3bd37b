"""Containers that go in circles, lie about sizes, or unpack to far more than they are."""

import zlib
from collections.abc import Callable

from tests.media.hostile.boxes import (
    CLUSTER,
    EBML,
    INFO,
    SEGMENT,
    TIMESTAMP,
    TRACKS,
    box,
    boxes,
    cluster,
    edited,
    element,
    full,
    in_segment,
    instead,
    matroska,
    number,
    text,
    u32,
    video_track,
    with_more,
)
from tests.media.hostile.entry import AVI, MKV, MOV, MP4, VIDEO_DOORS, Ground, Hostile

Make = Callable[[Ground], bytes]


def _silent(ground: Ground) -> bytes:
    return ground.good.clip("mp4 silent")


def _moov(data: bytes) -> bytes:
    return next(body for kind, body in boxes(data) if kind == b"moov")


def _deep(levels: int, kind: bytes) -> Make:
    def made(ground: Ground) -> bytes:
        body = b""
        for _ in range(levels):
            body = box(kind, body)
        return edited(_silent(ground), "moov", with_more(body))

    return made


def _compressed_bomb(ground: Ground) -> bytes:
    """An index that unpacks to what it says: two gigabytes."""
    packing = zlib.compressobj(9)
    packed = b"".join(packing.compress(bytes(1 << 20)) for _ in range(8)) + packing.flush()
    del ground
    cmov = box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", u32(0x7FFFFFF0), packed))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", cmov)


def _compressed_liar(ground: Ground) -> bytes:
    """An index that unpacks to less than it says."""
    data = ground.good.clip("mov")
    packed = zlib.compress(box(b"moov", _moov(data)))
    cmov = box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", u32(0x7FFFFFF0), packed))
    return edited(data, "moov", instead(cmov))


def _compressed(ground: Ground) -> bytes:
    """An index packed as QuickTime may, and in it another, and so on."""
    data = ground.good.clip("mov")
    index = box(b"moov", _moov(data))
    for _ in range(64):
        packed = zlib.compress(index)
        cmvd = box(b"cmvd", u32(len(index)), packed)
        index = box(b"moov", box(b"cmov", box(b"dcom", b"zlib"), cmvd))
    return edited(data, "moov", instead(index[8:]))


def _zero_boxes(ground: Ground) -> bytes:
    return box(b"ftyp", b"isom\0\0\2\0isommp42") + box(b"moov", box(b"trak", size=0) * 1000)


def _tiny_boxes(ground: Ground) -> bytes:
    return box(b"ftyp", b"isom\0\0\2\0isommp42") + box(b"moov", box(b"free", size=3) * 1000)


def _box_beyond(size: bytes) -> Make:
    """A box of 64 bits of size before the index."""

    def made(ground: Ground) -> bytes:
        (_, brands), *rest = boxes(_silent(ground))
        lying = u32(1) + b"free" + size
        return box(b"ftyp", brands) + lying + b"".join(box(*each) for each in rest)

    return made


def _index_of_itself(ground: Ground) -> bytes:
    """Segment indices that lead back to themselves."""
    head = u32(1, 1000, 0, 0) + b"\0\0\0\1"
    sidx = full(b"sidx", head, u32(0x80000000, 1, 0)) * 1000
    (_, brands), *rest = boxes(_silent(ground))
    return box(b"ftyp", brands) + sidx + b"".join(box(*each) for each in rest)


def _avi_index_of_itself(ground: Ground) -> bytes:
    data = ground.good.clip("avi")
    at = data.index(b"strf")
    length = int.from_bytes(data[at + 4 : at + 8], "little")
    after = at + 8 + length
    entry = (
        (4).to_bytes(2, "little") + b"\0\0" + (1).to_bytes(4, "little") + b"00dc" + bytes(12)
    )
    entry += after.to_bytes(8, "little") + (64).to_bytes(4, "little") * 2
    more = b"indx" + len(entry).to_bytes(4, "little") + entry
    made = data[:after] + more + data[after:]
    for name in (b"hdrl", b"strl"):
        place = made.index(name) - 4
        size = int.from_bytes(made[place : place + 4], "little") + len(more)
        made = made[:place] + size.to_bytes(4, "little") + made[place + 4 :]
    return made


def _unknown_sizes(levels: int) -> Make:
    """Elements of unknown size in each other."""

    def made(_ground: Ground) -> bytes:
        # Where no size is said, what is inside is what follows.
        body = element(CLUSTER, number(TIMESTAMP, 0), size=-1) * levels
        return element(EBML, text(0x4282, "matroska")) + element(SEGMENT, body, size=-1)

    return made


def _seek_head_of_itself(ground: Ground) -> bytes:
    def seek(to: int) -> bytes:
        where = number(0x53AC, 0)
        return element(0x4DBB, element(0x53AB, to.to_bytes(4)), where)

    head = element(0x114D9B74, *[seek(0x114D9B74), seek(0x1C53BB6B)] * 500)
    return in_segment(ground.good.clip("mkv"), head)


def _void(ground: Ground) -> bytes:
    return in_segment(ground.good.clip("mkv"), element(0xEC, size=2**50))


def _lacing(ground: Ground) -> bytes:
    """Blocks that say 255 frames are in their few bytes."""
    blocks = b"".join(
        element(0xA3, b"\x81\0\0" + bytes([flags]) + b"\xff" * 40)
        for flags in (0x82, 0x84, 0x86)
    )
    return in_segment(
        ground.good.clip("mkv"), element(CLUSTER, number(TIMESTAMP, 400), blocks * 2000)
    )


def _encodings(ground: Ground) -> bytes:
    """Frames packed again and again, by what the track says."""
    packed = element(0x5034, number(0x4254, 0))
    way = element(0x6240, number(0x5031, 0), number(0x5032, 1), number(0x5033, 0), packed)
    body = zlib.compress(bytes(1 << 22), 9)
    return matroska(
        element(INFO, number(0x2AD7B1, 1_000_000)),
        element(TRACKS, video_track(element(0x6D80, way))),
        *(cluster(40 * n, (0, body)) for n in range(5)),
    )


CIRCLES = (
    Hostile("boxes of no size", _zero_boxes, MP4),
    Hostile("boxes smaller than their header", _tiny_boxes, MP4),
    Hostile("box of a negative size", _box_beyond(b"\xff" * 8), MP4),
    Hostile("box larger than all disks", _box_beyond(b"\x7f" + b"\xff" * 7), MP4),
    Hostile(
        "five thousand boxes in each other",
        _deep(5000, b"udta"),
        MP4,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile("tracks in tracks", _deep(300, b"trak"), MP4, safe_at=VIDEO_DOORS, either=True),
    Hostile("index that unpacks to gigabytes", _compressed_bomb, MOV),
    Hostile("index that unpacks to less than it says", _compressed_liar, MOV),
    Hostile("index packed sixty times", _compressed, MOV, safe_at=VIDEO_DOORS, either=True),
    Hostile(
        "segment indices of themselves", _index_of_itself, MP4, safe_at=VIDEO_DOORS, either=True
    ),
    Hostile("AVI index of itself", _avi_index_of_itself, AVI, safe_at=VIDEO_DOORS, either=True),
    Hostile("elements of unknown size in each other", _unknown_sizes(20_000), MKV),
    Hostile("seek head of itself", _seek_head_of_itself, MKV, safe_at=VIDEO_DOORS),
    Hostile("void larger than all disks", _void, MKV, safe_at=VIDEO_DOORS, either=True),
    Hostile(
        "frames that are not in their block", _lacing, MKV, safe_at=VIDEO_DOORS, either=True
    ),
    Hostile("frames that unpack to megabytes", _encodings, MKV),
)
