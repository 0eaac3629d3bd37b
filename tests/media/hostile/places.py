"""Good videos cut off wherever a part of their structure begins, or is in its header."""

from collections.abc import Iterator

from tests.media.hostile.boxes import SEGMENT, box, boxes, elements
from tests.media.hostile.good_files import GoodFiles
from tests.media.hostile.polyglots import shifted

_PARENTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf"})


def cut_everywhere(good: GoodFiles, sort: str) -> list[bytes]:
    """The pieces of a video of one of `SORTS`, each from its beginning."""
    if sort == "mp4":
        data = index_first(good.clip("mp4 silent"))
        places = _of_boxes(data, 0)
    elif sort == "mkv":
        data = good.clip(sort)
        places = _of_elements(data)
    else:
        data = good.clip(sort)
        places = _of_chunks(data)
    return [data[:at] for at in sorted({at + more for at in places for more in (0, 4)})]


def index_first(data: bytes) -> bytes:
    """An MP4 of one track with its index before its pictures."""
    length = next(len(body) + 8 for kind, body in boxes(data) if kind == b"moov")
    parts = dict(boxes(shifted(data, length)))
    return b"".join(box(kind, parts[kind]) for kind in (b"ftyp", b"moov", b"mdat"))


def _of_boxes(data: bytes, begins: int) -> Iterator[int]:
    for kind, body in boxes(data):
        yield begins
        if kind in _PARENTS:
            yield from _of_boxes(body, begins + 8)
        begins += len(body) + 8


def _of_elements(data: bytes) -> Iterator[int]:
    for at, name, body in elements(data, 0):
        yield at
        if name == SEGMENT:
            begins = len(data) - len(body)
            yield from (begins + inside for inside, _, _ in elements(body, 0))


def _of_chunks(data: bytes) -> Iterator[int]:
    """The chunks of an AVI, those of its lists as well."""
    at = 12
    while at + 8 <= len(data):
        yield at
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 12 if data[at : at + 4] == b"LIST" else 8 + size + size % 2
