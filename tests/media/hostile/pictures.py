"""Pictures that are larger unpacked than they look, or lie about what is in them."""

import io
import struct
import zlib
from collections.abc import Callable

from PIL import Image

from tests.media.hostile.boxes import box, full, u16, u32
from tests.media.hostile.entry import (
    IMAGE_DOORS,
    JPEG,
    PNG,
    WEBP,
    Ground,
    Hostile,
)
from tests.support.image_bytes import jpeg_header, png, webp_header

_HUGE = 65_535


def _bomb(size: int, wrap: Callable[[bytes], bytes] = lambda data: data) -> bytes:
    """Zeros, deflated."""
    packing = zlib.compressobj(6)
    block = bytes(1 << 20)
    made = b"".join(packing.compress(block) for _ in range(size >> 20))
    return wrap(made + packing.flush())


def _small_png(*chunks: tuple[bytes, bytes]) -> bytes:
    """Eight by eight, grey, with chunks before its data."""
    return png(8, 8, 8, 0, *chunks, (b"IDAT", zlib.compress(bytes(9 * 8))))


def _flat_png(_ground: Ground) -> bytes:
    """Thirty-six megabytes of samples."""
    return png(3000, 3000, 8, 6, (b"IDAT", _bomb((3000 * 4 + 1) * 3000 + (1 << 20))))


def _frames_png(_ground: Ground) -> bytes:
    control = (b"acTL", u32(1_000_000, 0))
    frame = (b"fcTL", u32(0, 8, 8, 0, 0) + struct.pack(">HHBB", 1, 100, 0, 0))
    more = [
        (b"fcTL", u32(n, 8, 8, 0, 0) + struct.pack(">HHBB", 1, 100, 0, 0))
        for n in range(1, 20_000)
    ]
    return png(8, 8, 8, 0, control, frame, (b"IDAT", zlib.compress(bytes(72))), *more)


def _text_bombs(_ground: Ground) -> bytes:
    packed = _bomb(8 << 20)
    return _small_png(
        (b"zTXt", b"Comment\0\0" + packed),
        (b"iTXt", b"Comment\0\1\0\0\0" + packed),
    )


def _profile_bomb(_ground: Ground) -> bytes:
    return _small_png((b"iCCP", b"x\0\0" + _bomb(8 << 20)))


def _external_entity(ground: Ground) -> bytes:
    xml = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{ground.secret_url}">]><x:xmpmeta>&e;</x:xmpmeta>'
    return _small_png((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xml.encode()))


def _jpeg_with(kind: int, *segments: bytes) -> Callable[[Ground], bytes]:
    def made(ground: Ground) -> bytes:
        data = ground.good.image("JPEG")
        more = b"".join(bytes([0xFF, kind]) + u16(len(each) + 2) + each for each in segments)
        return data[:2] + more + data[2:]

    return made


def _exif_loop() -> bytes:
    """A directory that says it is followed by itself, of entries larger than any file."""
    entries = b"".join(
        struct.pack("<HHII", tag, kind, 0x7FFFFFFF, 8)
        for tag, kind in ((0x0112, 3), (0x8769, 4), (0x8825, 4), (0x9286, 7), (0x927C, 7))
    )
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 5) + entries + struct.pack("<I", 8)


def _exif_orientation() -> bytes:
    """An orientation that is a text."""
    return b"Exif\0\0II*\0" + struct.pack("<IHHHIII", 8, 1, 0x0112, 2, 4, 0x41414141, 0)


def _profile(tags: int, size: int) -> bytes:
    header = u32(size) + bytes(12) + b"RGB XYZ " + bytes(12) + b"acsp" + bytes(88)
    return header + u32(tags) + b"rXYZ" + u32(0xFFFFFF00, 0xFFFFFFF0) * 3


def _lying_profile() -> bytes:
    return b"ICC_PROFILE\0\1\1" + _profile(0xFFFFFFFF, 0xFFFFFFFF)


def _many_scans(scans: int) -> Callable[[Ground], bytes]:
    """A progressive picture of 25 megapixels whose pixels are gone through again and again."""

    def made(_ground: Ground) -> bytes:
        into = io.BytesIO()
        Image.new("L", (5000, 5000), 128).save(into, "JPEG", progressive=True)
        data = into.getvalue()
        last = data.rindex(b"\xff\xda")
        return data[:last] + data[last:-2] * scans + b"\xff\xd9"

    return made


def _many_markers(ground: Ground) -> bytes:
    """Tables given again and again."""
    data = ground.good.image("JPEG")
    at = data.index(b"\xff\xdb")
    length = int.from_bytes(data[at + 2 : at + 4]) + 2
    return data[:at] + data[at : at + length] * 20_000 + data[at:]


def _animated_webp(_ground: Ground) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)

    into = io.BytesIO()
    Image.new("RGB", (8, 8)).save(into, "WEBP", lossless=True)
    still = into.getvalue()[12:]
    frame = chunk(b"ANMF", bytes(6) + b"\7\0\0\7\0\0" + b"\1\0\0\0" + still)
    body = b"WEBP" + chunk(b"VP8X", b"\2\0\0\0\7\0\0\7\0\0") + chunk(b"ANIM", bytes(6))
    body += frame * 20_000
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _tiff(_ground: Ground) -> bytes:
    entries = ((256, _HUGE), (257, _HUGE), (258, 8), (259, 1), (262, 1), (273, 8), (279, 9))
    made = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + made + bytes(4)


def _jpeg2000(_ground: Ground) -> bytes:
    header = box(b"jp2h", box(b"ihdr", u32(_HUGE, _HUGE), u16(3), b"\7\7\0\0"))
    return box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ") + header


def _avif(_ground: Ground) -> bytes:
    sides = full(b"ispe", u32(_HUGE, _HUGE))
    meta = full(
        b"meta", full(b"hdlr", bytes(4), b"pict", bytes(13)), box(b"iprp", box(b"ipco", sides))
    )
    return box(b"ftyp", b"avif\0\0\0\0avifmif1") + meta


def _cut(form: str, share: float) -> Callable[[Ground], bytes]:
    def made(ground: Ground) -> bytes:
        data = ground.good.image(form)
        return data[: int(len(data) * share)]

    return made


PICTURES = (
    Hostile("PNG of 65535 squared", lambda _: png(_HUGE, _HUGE, 8, 2, (b"IDAT", b"")), PNG),
    Hostile(
        "PNG of 16 bits of 65535 squared",
        lambda _: png(_HUGE, _HUGE, 16, 6, (b"IDAT", _bomb(1 << 20))),
        PNG,
    ),
    Hostile(
        "PNG of a row of two thousand millions",
        lambda _: png(2**31 - 1, 1, 1, 0, (b"IDAT", b"")),
        PNG,
    ),
    Hostile("PNG of no pixels", lambda _: png(0, 0, 8, 2, (b"IDAT", b"")), PNG),
    Hostile("JPEG of 65535 squared", lambda _: jpeg_header(_HUGE, _HUGE), JPEG),
    Hostile("WebP of 16383 squared", lambda _: webp_header(16_383, 16_383), WEBP),
    Hostile(
        "GIF of 65535 squared",
        lambda _: b"GIF89a" + struct.pack("<HHBBB", _HUGE, _HUGE, 0, 0, 0),
        PNG,
        "type_mismatch",
    ),
    Hostile("TIFF of 65535 squared", _tiff, PNG, "type_mismatch"),
    Hostile("JPEG 2000 of 65535 squared", _jpeg2000, JPEG, "type_mismatch"),
    Hostile("AVIF of 65535 squared", _avif, PNG, "type_mismatch"),
    Hostile("PNG of 9 megapixels in 35 kilobytes", _flat_png, PNG, safe_at=IMAGE_DOORS),
    Hostile(
        "PNG with 16 megabytes behind eight rows",
        lambda _: png(8, 8, 8, 0, (b"IDAT", _bomb(1 << 24))),
        PNG,
        safe_at=IMAGE_DOORS,
    ),
    Hostile("PNG with bombs for texts", _text_bombs, PNG),
    Hostile("PNG with a bomb for a profile", _profile_bomb, PNG),
    Hostile("PNG with an external entity", _external_entity, PNG, safe_at=IMAGE_DOORS),
    Hostile(
        "PNG of a thirty thousand chunks",
        lambda _: _small_png(*[(b"teXt", b"")] * 30_000),
        PNG,
        safe_at=IMAGE_DOORS,
    ),
    Hostile("PNG of a million frames", _frames_png, PNG, safe_at=IMAGE_DOORS),
    Hostile(
        "PNG whose chunk is longer than the file",
        lambda _: _small_png()[:33] + u32(0x7FFFFFFF) + b"IDAT",
        PNG,
    ),
    Hostile("PNG that ends in its data", _cut("PNG", 0.7), PNG),
    Hostile("JPEG that ends in its data", _cut("JPEG", 0.8), JPEG),
    Hostile("WebP that ends in its data", _cut("WEBP", 0.6), WEBP),
    Hostile(
        "JPEG whose metadata follows itself",
        _jpeg_with(0xE1, _exif_loop()),
        JPEG,
        safe_at=IMAGE_DOORS,
    ),
    Hostile(
        "JPEG turned by a text",
        _jpeg_with(0xE1, _exif_orientation()),
        JPEG,
        safe_at=IMAGE_DOORS,
    ),
    Hostile(
        "JPEG with a lying profile",
        _jpeg_with(0xE2, _lying_profile()),
        JPEG,
        safe_at=IMAGE_DOORS,
    ),
    Hostile(
        "JPEG with a profile in 255 parts, none of which come",
        _jpeg_with(0xE2, b"ICC_PROFILE\0\1\xff"),
        JPEG,
        safe_at=IMAGE_DOORS,
    ),
    Hostile("JPEG of a thousand passes", _many_scans(1000), JPEG),
    Hostile("JPEG of twenty thousand tables", _many_markers, JPEG, safe_at=IMAGE_DOORS),
    Hostile("WebP of twenty thousand frames", _animated_webp, WEBP, safe_at=IMAGE_DOORS),
)
