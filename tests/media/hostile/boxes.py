"""Boxes of MP4 and QuickTime (ISO/IEC 14496-12, 4.2), and elements of Matroska (RFC 8794)."""

import struct
from collections.abc import Callable, Iterator

Change = Callable[[bytes], bytes]


def box(kind: bytes, *parts: bytes, size: int | None = None) -> bytes:
    """A box of its true size, or one that says another."""
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8 if size is None else size) + kind + body


def full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def u32(*numbers: int) -> bytes:
    """Numbers of 32 bits."""
    return struct.pack(f">{len(numbers)}I", *(number % 2**32 for number in numbers))


def u16(*numbers: int) -> bytes:
    """Numbers of 16 bits."""
    return struct.pack(f">{len(numbers)}H", *(number % 2**16 for number in numbers))


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes data consists of: kind and body."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        size = size or len(data) - at
        yield kind, data[at + 8 : at + size]
        at += size


def edited(data: bytes, path: str, change: Change) -> bytes:
    """The boxes with the body of each one at a path (`moov/trak/tkhd`) changed.

    The media data must stand before what is changed.
    """
    first, _, rest = path.partition("/")

    def one(kind: bytes, body: bytes) -> bytes:
        if kind != first.encode():
            return body
        return edited(body, rest, change) if rest else change(body)

    return b"".join(box(kind, one(kind, body)) for kind, body in boxes(data))


def track_edited(data: bytes, number: int, path: str, change: Change) -> bytes:
    """An MP4 with the body of a box of one of its tracks changed."""

    def moov(body: bytes) -> bytes:
        made, seen = [], 0
        for kind, inner in boxes(body):
            meant = kind == b"trak" and seen == number
            made.append(box(kind, edited(inner, path, change) if meant else inner))
            seen += kind == b"trak"
        return b"".join(made)

    return edited(data, "moov", moov)


def with_more(*parts: bytes) -> Change:
    """Add at the end of a body."""
    return lambda body: body + b"".join(parts)


def instead(*parts: bytes) -> Change:
    """Put another body in its place."""
    return lambda _body: b"".join(parts)


def patched(at: int, value: bytes) -> Change:
    """Overwrite some bytes of a body."""
    return lambda body: body[:at] + value + body[at + len(value) :]


# --- Matroska


def element(number: int, *parts: bytes, size: int | None = None) -> bytes:
    """An element of its true size, or one that says another; -1 says that it is not known."""
    body = b"".join(parts)
    name = number.to_bytes((number.bit_length() + 7) // 8)
    if size == -1:
        return name + b"\x01" + b"\xff" * 7 + body
    said = len(body) if size is None else size
    return name + (said | 1 << 56).to_bytes(8) + body


def text(number: int, said: str) -> bytes:
    """An element of text."""
    return element(number, said.encode("utf-8", "surrogateescape"))


def number(of: int, value: int) -> bytes:
    """An element of a number."""
    return element(of, value.to_bytes(max(1, (value.bit_length() + 7) // 8)))


def decimal(of: int, value: float) -> bytes:
    """An element of a floating number."""
    return element(of, struct.pack(">d", value))


EBML, DOCTYPE, SEGMENT, INFO, TRACKS, CLUSTER = (
    0x1A45DFA3,
    0x4282,
    0x18538067,
    0x1549A966,
    0x1654AE6B,
    0x1F43B675,
)
TIMESTAMP, SIMPLE_BLOCK, TRACK_ENTRY, TIMESTAMP_SCALE = 0xE7, 0xA3, 0xAE, 0x2AD7B1


def matroska(*segment: bytes, doctype: str = "matroska", **of: int) -> bytes:
    """A file of a header and a segment."""
    return element(EBML, text(DOCTYPE, doctype)) + element(SEGMENT, *segment, **of)


def video_track(
    *more: bytes, codec: str = "V_MJPEG", width: int = 64, height: int = 48, at: int = 1
) -> bytes:
    """A track of pictures."""
    sides = element(0xE0, number(0xB0, width), number(0xBA, height))
    return element(
        TRACK_ENTRY, number(0xD7, at), number(0x73C5, at), number(0x83, 1), text(0x86, codec),
        sides, *more,
    )  # fmt: skip


def cluster(at: int, *blocks: tuple[int, bytes], track: int = 1) -> bytes:
    """Blocks by their time after the cluster's, each of which decodes alone."""
    return element(
        CLUSTER,
        number(TIMESTAMP, at),
        *(
            element(
                SIMPLE_BLOCK, bytes([0x80 | track]), struct.pack(">h", after), b"\x80", data
            )
            for after, data in blocks
        ),
    )


def elements(data: bytes, at: int) -> Iterator[tuple[int, int, bytes]]:
    """The elements from a place on: where each begins, its number, and its body."""
    while at < len(data):
        length = 9 - data[at].bit_length()
        sized = at + length
        width = 9 - data[sized].bit_length()
        begins = sized + width
        size = int.from_bytes(data[sized:begins]) & ((1 << 7 * width) - 1)
        yield at, int.from_bytes(data[at:sized]), data[begins : begins + size]
        at = begins + size


def _in_its_segment(data: bytes) -> tuple[int, bytes]:
    return next((at, body) for at, name, body in elements(data, 0) if name == SEGMENT)


def in_segment(data: bytes, more: bytes) -> bytes:
    """A Matroska with an element more, before its first cluster."""
    begins, body = _in_its_segment(data)
    at = next(at for at, name, _ in elements(body, 0) if name == CLUSTER)
    return data[:begins] + element(SEGMENT, body[:at], more, body[at:])


def with_track(data: bytes, *tracks: bytes) -> bytes:
    """A Matroska with tracks more, after those it has; what points past them is wrong."""
    begins, body = _in_its_segment(data)
    made = (
        element(name, inside, *tracks) if name == TRACKS else element(name, inside)
        for _, name, inside in elements(body, 0)
    )
    return data[:begins] + element(SEGMENT, *made)
