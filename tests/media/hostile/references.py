"""Videos whose pictures, fonts or licences are said to be elsewhere: a file's or a server's."""

from tests.media.hostile.boxes import (
    INFO,
    box,
    edited,
    element,
    full,
    in_segment,
    instead,
    matroska,
    number,
    text,
    track_edited,
    u32,
    with_more,
    with_track,
)
from tests.media.hostile.entry import AVI, MKV, MOV, MP4, VIDEO_DOORS, Ground, Hostile
from tests.support.hostile import with_data_elsewhere

_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_DREF = "mdia/minf/dinf/dref"


def _alias(ground: Ground) -> bytes:
    return with_data_elsewhere(ground.good.clip("mp4"), str(ground.secret))


def _alias_above(ground: Ground) -> bytes:
    return with_data_elsewhere(ground.good.clip("mp4"), "../../../../" + str(ground.secret))


def _alias_of_an_address(ground: Ground) -> bytes:
    return with_data_elsewhere(ground.good.clip("mp4"), ground.url + "/x.mp4")


def _blank(data: bytes) -> bytes:
    return edited(data, "mdat", lambda body: bytes(len(body)))


def _data_at(ground: Ground, address: str) -> bytes:
    entry = full(b"url ", address.encode() + b"\0")
    return track_edited(
        _blank(ground.good.clip("mp4 silent")), 0, _DREF, instead(u32(0, 1), entry)
    )


def _reference_movie(ground: Ground) -> bytes:
    def one(address: str) -> bytes:
        said = address.encode() + b"\0"
        return box(b"rmda", full(b"rdrf", b"url ", u32(len(said)), said))

    movie = box(b"rmra", one(ground.url + "/x.mov"), one(ground.secret_url))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", movie)


def _beside_its_own(ground: Ground) -> bytes:
    said = (ground.url + "/x.mov").encode() + b"\0"
    movie = box(b"rmra", box(b"rmda", full(b"rdrf", b"url ", u32(len(said)), said)))
    return edited(ground.good.clip("mp4"), "moov", with_more(movie))


def _licence(ground: Ground) -> bytes:
    header = f"<WRMHEADER><DATA><LA_URL>{ground.url}/la</LA_URL></DATA></WRMHEADER>".encode()
    system = bytes.fromhex("9a04f07998404286ab92e65be0885f95")
    return edited(
        ground.good.clip("mp4"),
        "moov",
        with_more(full(b"pssh", system, u32(len(header)), header)),
    )


def _metadata(ground: Ground) -> bytes:
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{ground.secret_url}">]>'
    xml = f'{entity}<x:xmpmeta xmlns:x="{ground.url}">&e;</x:xmpmeta>'
    return ground.good.clip("mp4") + box(b"uuid", _XMP_UUID, xml.encode())


def _items(ground: Ground) -> bytes:
    where = ground.url.encode() + b"\0"
    meta = full(
        b"meta",
        full(b"hdlr", bytes(4), b"mdir", bytes(13)),
        box(b"dinf", full(b"dref", u32(1), full(b"url ", where))),
        full(b"iinf", b"\0\1", full(b"infe", b"\0\1\0\0", b"uri ", b"\0", where, version=2)),
    )
    return edited(ground.good.clip("mp4"), "moov", with_more(box(b"udta", meta)))


def _linked_segments(ground: Ground) -> bytes:
    said = element(
        INFO,
        number(0x2AD7B1, 1_000_000),
        element(0x3CB923, bytes(16)),
        element(0x3EB923, b"\1" * 16),
        text(0x3C83AB, str(ground.secret)),
        text(0x3E83BB, ground.url),
    )
    return in_segment(ground.good.clip("mkv"), said)


def _attachments(ground: Ground) -> bytes:
    def one(name: str, kind: str) -> bytes:
        return element(
            0x61A7,
            text(0x466E, name),
            text(0x4660, kind),
            number(0x46AE, 1),
            element(0x465C, b"x"),
        )

    files = (
        one("../../../../etc/cron.d/x", "application/x-truetype-font"),
        one("/etc/passwd", "text/plain"),
        one(str(ground.secret), "image/png"),
        one("a\0b\nc%s%n", "application/octet-stream"),
    )
    return in_segment(ground.good.clip("mkv"), element(0x1941A469, *files))


def _subtitles(ground: Ground) -> bytes:
    private = f"[Fonts]\nfontname: {ground.secret}\n[Events]\n; {ground.url}\n".encode()
    track = element(
        0xAE,
        *(number(0xD7, 9), number(0x73C5, 9), number(0x83, 0x11), text(0x86, "S_TEXT/ASS")),
        element(0x63A2, private),
    )
    return with_track(ground.good.clip("mkv"), track)


def _strings_of_paths(ground: Ground) -> bytes:
    """An AVI with a stream's name and its information full of addresses."""
    data = ground.good.clip("avi")
    said = f"{ground.secret};{ground.url}".encode()
    said += bytes(len(said) % 2)
    chunk = b"ISRF" + len(said).to_bytes(4, "little") + said
    info = b"LIST" + (len(chunk) + 4).to_bytes(4, "little") + b"INFO" + chunk
    return data + info


def _only_segments(ground: Ground) -> bytes:
    return matroska(
        element(INFO, number(0x2AD7B1, 1_000_000), text(0x3C83AB, ground.url)),
        element(
            0x1043A770,
            element(
                0x45B9,
                element(0xB6, number(0x73C4, 1), number(0x91, 0), element(0x6E67, bytes(16))),
            ),
        ),
    )


REFERENCES = (
    Hostile("data at an alias of a file", _alias, MP4),
    Hostile("data at an alias that climbs", _alias_above, MP4),
    Hostile("data at an alias of an address", _alias_of_an_address, MP4),
    Hostile("data at an address", lambda ground: _data_at(ground, ground.url + "/x.mp4"), MP4),
    Hostile(
        "data at a file's address", lambda ground: _data_at(ground, ground.secret_url), MP4
    ),
    Hostile("reference movie", _reference_movie, MOV),
    Hostile("reference movie beside a video", _beside_its_own, MP4, safe_at=VIDEO_DOORS),
    Hostile("licence to be fetched", _licence, MP4, safe_at=VIDEO_DOORS),
    Hostile("metadata with an external entity", _metadata, MP4, safe_at=VIDEO_DOORS),
    Hostile("items at an address", _items, MP4, safe_at=VIDEO_DOORS),
    Hostile("linked segments", _linked_segments, MKV, safe_at=VIDEO_DOORS),
    Hostile("nothing but linked segments", _only_segments, MKV),
    Hostile("attachments that climb", _attachments, MKV, safe_at=VIDEO_DOORS),
    Hostile("subtitles with a font's path", _subtitles, MKV, safe_at=VIDEO_DOORS),
    Hostile("strings of paths", _strings_of_paths, AVI, safe_at=VIDEO_DOORS),
)
