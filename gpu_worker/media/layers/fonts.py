"""Fonts: the bundled ones and a job's own, and which of them has a character.

A font of a stranger is opened by HarfBuzz alone, which takes every table for hostile, and
only where a job's files are opened: in the sandbox's child.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import uharfbuzz as hb

from shared.errors import JobFailed
from shared.render.layers import Weight

FONTS = Path(__file__).parents[2] / "fonts"
UNITS_PER_PX = 64  # HarfBuzz counts in integers: positions to 1/64 of a pixel
MAX_FONT_BYTES = 50_000_000

_OTHER_SCRIPTS = ("arabic", "hebrew", "devanagari", "bengali", "thai")
_SYMBOLS = ("noto-sans-symbols", "noto-sans-symbols-2", "noto-emoji")
_CJK_OF_LANGUAGE = MappingProxyType({"ja": "jp", "zh": "sc", "ko": "kr"})
_THICKER_EM = 0.03  # what bold adds to outlines of a font that has no bold
_BOLD_AXIS = 700.0


@dataclass(frozen=True, slots=True, eq=False)
class Typeface:
    """One font file, a job's `own` or not. `thicker` where bold is asked for and not there."""

    name: str
    face: hb.Face
    characters: hb.Set
    thicker: bool = False
    variations: tuple[tuple[str, float], ...] = ()
    own: bool = False

    def font(self, size_px: float) -> hb.Font:
        """At a size: an em of so many pixels, in 1/64 of one."""
        font = hb.Font(self.face)
        scale = round(size_px * UNITS_PER_PX)
        font.scale = (scale, scale)
        if self.variations:
            font.set_variations(dict(self.variations))
        if self.thicker:
            font.synthetic_bold = (_THICKER_EM, _THICKER_EM, False)
        return font

    def has(self, cluster: str) -> bool:
        """Whether it can draw what is read as one letter, as it stands or composed."""
        return any(
            all(ord(each) in self.characters for each in form if not _unseen(each))
            for form in (cluster, unicodedata.normalize("NFC", cluster))
        )


def _unseen(character: str) -> bool:
    """What is never drawn itself: joiners, directions, variation selectors."""
    return unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"


@dataclass(slots=True)
class FontShelf:
    """The bundled fonts, each opened once it is asked for."""

    folder: Path = FONTS
    _open: dict[tuple[str, Weight], Typeface] = field(default_factory=dict)

    def bundled(self, name: str, weight: Weight) -> Typeface:
        """A font by its family's name, thickened where it has no bold."""
        if (name, weight) not in self._open:
            path = self.folder / f"{name}-{weight}.ttf"
            thicker = not path.exists()
            if thicker:
                path = self.folder / f"{name}-{Weight.REGULAR}.ttf"
            face = hb.Face(hb.Blob.from_file_path(str(path)))
            self._open[name, weight] = Typeface(name, face, face.unicodes, thicker)
        return self._open[name, weight]

    def order(
        self, family: str, weight: Weight, text: str, language: str, own: Typeface | None
    ) -> Iterator[Typeface]:
        """Fonts in the order they are asked for a character.

        One's own, the family, the other scripts, symbols. Of the fonts for Chinese, Japanese
        and Korean, which draw one code differently, the language's is first; where none is
        said, the one whose own letters the text has, else that with most of its characters.
        """
        if own is not None:
            yield own
        yield self.bundled(family, weight)
        if family != "noto-sans":
            yield self.bundled("noto-sans", weight)
        for script in _OTHER_SCRIPTS:
            yield self.bundled(f"noto-sans-{script}", weight)
        for region in _cjk_order(self, weight, text, language):
            yield self.bundled(f"noto-sans-{region}", weight)
        for name in _SYMBOLS:
            yield self.bundled(name, weight)


def _cjk_order(shelf: FontShelf, weight: Weight, text: str, language: str) -> list[str]:
    said = _CJK_OF_LANGUAGE.get(language.partition("-")[0].lower())
    if said is None and any("\u3041" <= each <= "\u30ff" for each in text):
        said = "jp"
    if said is None and any("\uac00" <= each <= "\ud7a3" for each in text):
        said = "kr"
    characters = {ord(each) for each in text if each > "\u2e7f"}
    faces = {name: shelf.bundled(f"noto-sans-{name}", weight) for name in ("sc", "jp")}
    missing = {
        name: sum(each not in face.characters for each in characters)
        for name, face in faces.items()
    }
    order = [*sorted(faces, key=missing.__getitem__), "kr"]
    return sorted(order, key=lambda name: name != said)


def own_typeface(path: Path, weight: Weight) -> Typeface:
    """A job's font file; bold by its own axis of weight where it has one.

    Raises `JobFailed` with `input_unreadable`.
    """
    if path.stat().st_size > MAX_FONT_BYTES:
        raise unreadable(f"more than {MAX_FONT_BYTES // 1_000_000} MB")
    face = hb.Face(hb.Blob.from_file_path(str(path)))
    try:
        tables, characters = set(face.table_tags), face.unicodes
    except UnicodeDecodeError as error:
        raise unreadable("a table's name is no text") from error
    if not len(characters) or not face.glyph_count or not tables & {"glyf", "CFF ", "CFF2"}:
        raise unreadable("no outlines of any character")
    bold = weight is Weight.BOLD
    axes = {axis.tag for axis in face.axis_infos}
    turned = (("wght", _BOLD_AXIS),) if bold and "wght" in axes else ()
    thicker = bold and not turned and not _is_bold(face)
    return Typeface("own", face, characters, thicker, turned, own=True)


def _is_bold(face: hb.Face) -> bool:
    # OS/2 usWeightClass, ISO/IEC 14496-22, 5.2.4: the third number of the table.
    table = bytes(face.reference_table("OS/2").data)
    return int.from_bytes(table[4:6]) >= 600


def unreadable(detail: str) -> JobFailed:
    """What to raise of a job's font."""
    return JobFailed(
        "input_unreadable",
        "The font cannot be read. Give a TrueType or OpenType file with outlines.",
        detail=detail,
    )


def scripts_of(text: Iterable[str]) -> list[str]:
    """The script of each character, ISO 15924; of those of none, that before them or ''."""
    known: dict[str, str] = {}
    found, before = [], ""
    for each in text:
        if each not in known:
            buffer = hb.Buffer()
            buffer.add_str(each)
            buffer.guess_segment_properties()
            known[each] = buffer.script or ""
        before = known[each] or before
        found.append(before)
    return found
