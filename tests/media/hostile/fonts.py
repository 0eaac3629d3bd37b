"""Fonts that lie, go in circles, or are far larger than they look."""

import struct
import zlib
from collections.abc import Callable

from tests.media.hostile.boxes import u16, u32
from tests.media.hostile.entry import FONT_DOORS, TTF, Ground, Hostile
from tests.media.hostile.fonts_written import composite, rectangle, sfnt, tables

Make = Callable[[Ground], bytes]


def _glyphs(*glyphs: bytes, **more: int) -> Make:
    return lambda _: sfnt(tables(glyphs, **more))


def _with(**named: bytes) -> Make:
    more = {name.replace("_", "/").ljust(4).encode(): data for name, data in named.items()}
    return lambda _: sfnt({**tables([rectangle()] * 27), **more})


def _lying(**lies: tuple[int, int]) -> Make:
    said = {name.encode(): where for name, where in lies.items()}
    return lambda _: sfnt(tables([rectangle()] * 27), said)


def _doubling(levels: int) -> bytes:
    """Each glyph is made of the next one twice: the first of a million of the last."""
    parts = [composite(n + 2, n + 2) for n in range(levels)]
    return sfnt(tables([rectangle(), *parts, rectangle()]))


def _expanding() -> bytes:
    """Every letter becomes a hundred of them, and each of those again (GSUB, multiple)."""
    glyphs = 200
    sequence = u16(glyphs, *[1] * glyphs)
    coverage = u16(1, 1, 1)
    sub = u16(1, 8 + len(sequence), 1, 8) + sequence + coverage
    lookups = 10
    lookup_list = u16(lookups, *(2 + 2 * lookups + n * (8 + len(sub)) for n in range(lookups)))
    lookup_list += b"".join(u16(2, 0, 1, 8) + sub for _ in range(lookups))
    features = u16(1) + b"ccmp" + u16(8) + u16(0, lookups, *range(lookups))
    scripts = u16(1) + b"DFLT" + u16(8) + u16(4, 0) + u16(0, 0xFFFF, 1, 0)
    header = u16(1, 0, 10, 10 + len(scripts), 10 + len(scripts) + len(features))
    return header + scripts + features + lookup_list


def _collection(_ground: Ground) -> bytes:
    return b"ttcf" + u32(0x10000, 0xFFFFFFFF) + bytes(64)


def _woff2(_ground: Ground) -> bytes:
    return b"wOF2\0\1\0\0" + u32(0x7FFFFFFF) + u16(8, 0) + u32(0x7FFFFFFF, 100) + bytes(40)


def _woff(ground: Ground) -> bytes:
    packed = zlib.compress(ground.good.font())
    return b"wOFF\0\1\0\0" + u32(len(packed) + 44) + u16(1, 0) + packed


def _svg(ground: Ground) -> bytes:
    entity = f'<!DOCTYPE s [<!ENTITY e SYSTEM "{ground.secret_url}">]>'
    said = f'{entity}<svg><image href="{ground.url}"/>&e;</svg>'
    data = said.encode()
    documents = u16(1, 1, 26) + u32(14, len(data)) + data
    table = u16(0) + u32(10, 0) + documents
    return sfnt({**tables([rectangle()] * 27), b"SVG ": table})


def _points(count: int) -> bytes:
    """A glyph of very many points, each an edge from one end to the other."""
    header = struct.pack(">hhhhh", 1, 0, 0, 700, 700)
    ends = u16(count - 1, 0)
    flags = bytes([1]) * count
    across = b"".join(struct.pack(">h", 30_000 if n % 2 else -30_000) for n in range(count))
    up = b"".join(struct.pack(">h", 7 if n % 2 else -6) for n in range(count))
    return header + ends + flags + across + up


def _every_table(_ground: Ground) -> bytes:
    named = {struct.pack(">I", 0x41414141 + n): b"" for n in range(5_000)}
    return sfnt({**tables([rectangle()] * 27), **named})


def _names() -> bytes:
    said = "\x1b[2J\n%s%n\0".encode("utf-16-be")
    records = b"".join(u16(3, 1, 0x409, n, len(said), 0) for n in range(1000))
    return u16(0, 1000, 6 + len(records)) + records + said


_CIRCLE = composite(1, 2, 3)
_FONT = {"called": TTF}
FONTS = (
    Hostile(
        "font whose glyphs are made of themselves",
        _glyphs(rectangle(), *[_CIRCLE] * 26),
        TTF,
        safe_at=FONT_DOORS,
    ),
    Hostile("font whose glyphs double", lambda _: _doubling(24), TTF, safe_at=FONT_DOORS),
    Hostile(
        "font of glyphs as large as a street",
        _glyphs(*[rectangle(32_000)] * 27, em=16),
        TTF,
        safe_at=FONT_DOORS,
    ),
    Hostile(
        "font of glyphs of thirty thousand edges",
        _glyphs(rectangle(), *[_points(30_000)] * 3),
        TTF,
        safe_at=FONT_DOORS,
    ),
    Hostile(
        "font that says it has 65535 glyphs",
        _glyphs(*[rectangle()] * 27, glyph_count=65_535),
        TTF,
        safe_at=FONT_DOORS,
    ),
    Hostile("font of no glyphs", _glyphs(*[rectangle()] * 27, glyph_count=0), TTF),
    Hostile(
        "font whose outlines are behind its end",
        _lying(glyf=(2**31, 2**31)),
        TTF,
        safe_at=FONT_DOORS,
        either=True,
    ),
    Hostile("font whose letters are behind its end", _lying(cmap=(2**32 - 8, 64)), TTF),
    Hostile(
        "font whose places are in its head",
        _lying(loca=(0, 2**32 - 1)),
        TTF,
        safe_at=FONT_DOORS,
        either=True,
    ),
    Hostile(
        "font whose letters become millions",
        lambda _: sfnt({**tables([rectangle()] * 27), b"GSUB": _expanding()}),
        TTF,
    ),
    Hostile("font with pages for glyphs", _svg, TTF, safe_at=FONT_DOORS),
    Hostile(
        "font with names that control terminals", _with(name=_names()), TTF, safe_at=FONT_DOORS
    ),
    Hostile(
        "font of many axes",
        _with(fvar=u32(0x10000) + u16(16, 2, 65_535, 20, 65_535, 4)),
        TTF,
        safe_at=FONT_DOORS,
    ),
    Hostile("font of 5000 tables", _every_table, TTF, "type_mismatch"),
    Hostile(
        "font with a table of no name",
        lambda _: sfnt({**tables([rectangle()] * 27), b"\xff\xfe\x80\0": b"x"}),
        TTF,
    ),
    Hostile("collection of fonts", _collection, TTF, "type_mismatch"),
    Hostile("WOFF2 of two gigabytes", _woff2, TTF, "type_mismatch"),
    Hostile("WOFF", _woff, TTF, "type_mismatch"),
    Hostile("half a font", lambda ground: ground.good.font()[:400], TTF),
)
