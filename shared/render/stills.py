"""Which frames of an output become its poster and its small pictures, told by their numbers.

Numbers and times are the output's own, from 0. Whoever makes a part of the output can tell
from its frames' numbers alone which of them to keep.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Final, Self

from shared.render.cropping import Size
from shared.render.delivery import Delivery, Poster

# A sheet of at most 1600 × 1600 pixels: every browser and phone decodes it in one go.
MOST_PICTURES: Final = 100
COLUMNS: Final = 10
LONGEST_SIDE_PX: Final = 160
_INTERVALS_S: Final = tuple(
    Fraction(each) for each in ("1/2", 1, 2, 5, 10, 15, 30, 60, 120, 300, 600)
)

# A poster nobody chose a time for is looked for in steps of half a second, for so long.
_CANDIDATE_EVERY_S: Final = Fraction(1, 2)
_CANDIDATES_WITHIN_S: Final = 10


@dataclass(frozen=True, slots=True)
class Sprites:
    """A sheet of small pictures, each of `thumb` size and for `interval` seconds."""

    frames: int
    rate: Fraction
    thumb: Size
    interval: Fraction

    @classmethod
    def of(cls, frames: int, rate: Fraction, output: Size) -> Self:
        """The shortest usual interval for which the pictures fit one sheet."""
        length = frames / rate
        fitting = (each for each in _INTERVALS_S if length <= each * MOST_PICTURES)
        interval = next(fitting, Fraction(ceil(length / MOST_PICTURES)))
        return cls(frames, rate, _thumb(output), interval)

    @property
    def count(self) -> int:
        """How many pictures there are; less than half an interval is no picture's alone."""
        return max(1, floor(self.frames / self.rate / self.interval + Fraction(1, 2)))

    @property
    def columns(self) -> int:
        """How many stand in a row."""
        return min(self.count, COLUMNS)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return ceil(self.count / COLUMNS)

    @property
    def sheet(self) -> Size:
        """The size of all of them together."""
        return Size(self.columns * self.thumb.width_px, self.rows * self.thumb.height_px)

    def times(self, index: int) -> tuple[Fraction, Fraction]:
        """From when until when a picture stands for the output, in seconds."""
        start, last = index * self.interval, index == self.count - 1
        return start, self.frames / self.rate if last else start + self.interval

    def number(self, index: int) -> int:
        """The frame a picture shows: the one in the middle of its time."""
        return floor(sum(self.times(index)) / 2 * self.rate)

    def place(self, index: int) -> tuple[int, int]:
        """The left and the top edge of a picture in the sheet."""
        row, column = divmod(index, COLUMNS)
        return column * self.thumb.width_px, row * self.thumb.height_px

    def webvtt(self, sheet_name: str) -> str:
        """A WebVTT whose cues name a rectangle of the sheet each (Media Fragments, 4.2.2)."""
        return "".join(["WEBVTT\n", *(self._cue(index, sheet_name) for index in self._all)])

    @property
    def numbers(self) -> dict[int, tuple[int, ...]]:
        """The pictures of each frame that is shown in any; at low rates one is in several."""
        shown: dict[int, tuple[int, ...]] = {}
        for index in self._all:
            number = self.number(index)
            shown[number] = (*shown.get(number, ()), index)
        return shown

    @property
    def _all(self) -> range:
        return range(self.count)

    def _cue(self, index: int, sheet_name: str) -> str:
        start, end = (_clock(each) for each in self.times(index))
        x, y = self.place(index)
        area = f"{x},{y},{self.thumb.width_px},{self.thumb.height_px}"
        return f"\n{start} --> {end}\n{sheet_name}#xywh={area}\n"


@dataclass(frozen=True, slots=True)
class Stills:
    """What of an output is kept as still pictures.

    `poster`: the numbers of the frames it may show, in order; empty without a poster.
    """

    poster: tuple[int, ...]
    sprites: Sprites | None

    @classmethod
    def of(cls, delivery: Delivery, frames: int, rate: Fraction, output: Size) -> Self:
        """What a delivery asks for of an output of so many frames."""
        return cls(
            poster=_candidates(delivery.poster, frames, rate) if delivery.poster else (),
            sprites=Sprites.of(frames, rate, output) if delivery.sprites else None,
        )


def _candidates(poster: Poster, frames: int, rate: Fraction) -> tuple[int, ...]:
    if poster.time_s is not None:
        # A float second may lie this far before the instant it means, as in `timebase`.
        shown = floor(Fraction(poster.time_s) * rate + Fraction(1, 1_000_000))
        return (min(shown, frames - 1),)
    within = min(frames / rate, Fraction(_CANDIDATES_WITHIN_S))
    steps = range(ceil(within / _CANDIDATE_EVERY_S))
    return tuple(dict.fromkeys(floor(step * _CANDIDATE_EVERY_S * rate) for step in steps))


def _thumb(output: Size) -> Size:
    longest_px = max(output.width_px, output.height_px)
    share = Fraction(min(longest_px, LONGEST_SIDE_PX), longest_px)
    return Size(max(2, round(output.width_px * share)), max(2, round(output.height_px * share)))


def _clock(time_s: Fraction) -> str:
    minutes, ms = divmod(round(time_s * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{ms // 1000:02}.{ms % 1000:03}"
