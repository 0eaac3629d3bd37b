"""Set a text in lines: which font draws what, where lines break, where each glyph stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import uharfbuzz as hb
from uniseg.graphemecluster import grapheme_clusters
from uniseg.linebreak import line_break_units

from gpu_worker.media.layers.bidi import directions, visual_runs
from gpu_worker.media.layers.fonts import (
    UNITS_PER_PX,
    FontShelf,
    Typeface,
    scripts_of,
    unreadable,
)
from shared.render.layers import Align, Text

_TAB = " " * 4


@dataclass(frozen=True, slots=True)
class Glyph:
    """A glyph of a font, by where its origin stands: right and up, in pixels."""

    typeface: Typeface
    number: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """Glyphs from the line's left end, on its baseline; `leftwards` is its paragraph's way."""

    glyphs: tuple[Glyph, ...]
    width: float
    leftwards: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A text in lines, sizes in pixels; `ascent` is from a line's top to its baseline.

    `missing` are the characters no font has.
    """

    lines: tuple[Line, ...]
    size_px: float
    ascent: float
    line_height: float
    spacing: float
    align: Align
    missing: tuple[str, ...]

    @property
    def width(self) -> float:
        """Of the longest line."""
        return max((line.width for line in self.lines), default=0.0)

    @property
    def height(self) -> float:
        """From the first line's top to the last one's foot."""
        return self.line_height * (1 + (len(self.lines) - 1) * self.spacing)

    def placed(self) -> list[Glyph]:
        """Every glyph, right and down from the block's top left corner."""
        made = []
        for number, line in enumerate(self.lines):
            left = (self.width - line.width) * _part(self.align, line.leftwards)
            base = self.ascent + number * self.line_height * self.spacing
            made += [
                Glyph(each.typeface, each.number, left + each.x, base - each.y)
                for each in line.glyphs
            ]
        return made


def _part(align: Align, leftwards: bool) -> float:
    if align is Align.CENTER:
        return 0.5
    begins_right = align is Align.RIGHT or (align is Align.START and leftwards)
    ends_right = align is Align.END and not leftwards
    return float(begins_right or ends_right)


def set_text(
    text: Text, size_px: float, width_px: float, shelf: FontShelf, own: Typeface | None
) -> Block:
    """A text in lines of at most a width; one word alone may be broken, one letter not."""
    plain = text.text.replace("\t", _TAB)
    order = tuple(shelf.order(text.font, text.weight, plain, text.language, own))
    setter = _Setter(order, size_px, text.language)
    lines: list[Line] = []
    for paragraph in plain.split("\n"):
        lines += setter.lines(paragraph, width_px)
    used = [order[0], *setter.used]
    extents = [setter.font(each).get_font_extents("ltr") for each in used]
    ascent = max(each.ascender for each in extents) / UNITS_PER_PX
    descent = max(-each.descender for each in extents) / UNITS_PER_PX
    gap = extents[0].line_gap / UNITS_PER_PX
    return Block(
        tuple(lines),
        size_px,
        ascent,
        ascent + descent + gap,
        text.line_spacing,
        text.align,
        tuple(dict.fromkeys(setter.missing)),
    )


class _Setter:
    """Sets paragraphs of one text, and remembers which fonts it took and what was missing."""

    def __init__(self, order: Sequence[Typeface], size_px: float, language: str) -> None:
        self._order = order
        self._language = language
        self.font = lru_cache(maxsize=None)(lambda typeface: typeface.font(size_px))
        self.used: list[Typeface] = []
        self.missing: list[str] = []

    def lines(self, paragraph: str, width_px: float) -> list[Line]:
        """A paragraph in lines."""
        known = directions(paragraph)
        faces, scripts = self._faces(paragraph), scripts_of(paragraph)
        runs = _Runs(paragraph, known.levels, faces, scripts)
        advances = self._advances(runs)
        made = []
        for start, end in _broken(paragraph, advances, width_px):
            glyphs, width = self._shaped(runs, start, end)
            made.append(Line(tuple(glyphs), width, known.paragraph % 2 == 1))
        return made

    def _faces(self, paragraph: str) -> list[Typeface]:
        """Which font draws each character: one for what is read as one letter."""
        found: list[Typeface] = []
        for cluster in grapheme_clusters(paragraph):
            face = next((each for each in self._order if each.has(cluster)), None)
            if face is None:
                self.missing.append(cluster)
                face = next((each for each in self._order if each.has(cluster[0])), None)
            found += [face or self._order[0]] * len(cluster)
        self.used += dict.fromkeys(each for each in found if each not in self.used)
        return found

    def _advances(self, runs: "_Runs") -> list[float]:
        """How far each character goes on where the whole paragraph is one line."""
        advances = [0.0] * len(runs.text)
        for start, end, level in visual_runs(runs.levels):
            for piece in runs.pieces(start, end):
                buffer = self._buffer(runs, piece, level)
                for info, at in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
                    advances[info.cluster] += at.x_advance / UNITS_PER_PX
        return advances

    def _shaped(self, runs: "_Runs", start: int, end: int) -> tuple[list[Glyph], float]:
        """The glyphs of a line, from left to right, and how long it is."""
        made, x = [], 0
        for first, last, level in visual_runs(runs.levels[start:end]):
            pieces = runs.pieces(start + first, start + last)
            for piece in pieces[::-1] if level % 2 else pieces:
                face = runs.faces[piece[0]]
                buffer = self._buffer(runs, piece, level)
                for info, at in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
                    place = (x + at.x_offset) / UNITS_PER_PX, at.y_offset / UNITS_PER_PX
                    made.append(Glyph(face, info.codepoint, *place))
                    x += at.x_advance
        return made, x / UNITS_PER_PX

    def _buffer(self, runs: "_Runs", piece: tuple[int, int], level: int) -> hb.Buffer:
        start, end = piece
        buffer = hb.Buffer()
        # With what stands around it: letters join across a change of font.
        buffer.add_str(runs.text, start, end - start)
        buffer.direction = "rtl" if level % 2 else "ltr"
        if runs.scripts[start]:
            buffer.script = runs.scripts[start]
        buffer.guess_segment_properties()
        if self._language:
            buffer.language = self._language
        face = runs.faces[start]
        try:
            hb.shape(self.font(face), buffer)
        except MemoryError as error:  # HarfBuzz has its own bound to what letters may become
            if face.own:
                raise unreadable("its letters become too many") from error
            raise
        return buffer


@dataclass(frozen=True, slots=True)
class _Runs:
    """A paragraph with the level, font and script of each of its characters."""

    text: str
    levels: Sequence[int]
    faces: Sequence[Typeface]
    scripts: Sequence[str]

    def pieces(self, start: int, end: int) -> list[tuple[int, int]]:
        """A stretch cut where its font or its script changes."""
        cuts = [
            at
            for at in range(start + 1, end)
            if self.faces[at] is not self.faces[at - 1]
            or (self.scripts[at] != self.scripts[at - 1] and self.scripts[at - 1])
        ]
        return list(pairwise([start, *cuts, end]))


def _broken(text: str, advances: Sequence[float], width_px: float) -> list[tuple[int, int]]:
    """Where lines begin and end, spaces at their ends left out; at least one, maybe empty."""
    lines: list[tuple[int, int]] = []
    start = at = 0
    for unit in _fitting_units(text, advances, width_px):
        seen_end = at + len(unit.rstrip())
        if at > start and sum(advances[start:seen_end]) > width_px:
            lines.append((start, start + len(text[start:at].rstrip())))
            start = at
        at += len(unit)
    lines.append((start, start + len(text[start:].rstrip())))
    return lines


def _fitting_units(text: str, advances: Sequence[float], width_px: float) -> list[str]:
    """What a line may be broken between: UAX #14, and letters where a word is too long."""
    units: list[str] = []
    at = 0
    for unit in line_break_units(text):
        long = sum(advances[at : at + len(unit.rstrip())]) > width_px
        units += grapheme_clusters(unit) if long else [unit]
        at += len(unit)
    return units
