"""One file of the corpus: how it is made, and what must come of it."""

from dataclasses import dataclass, field
from fractions import Fraction

from shared.render.cropping import Size
from tests.media.corpus.recipes import Recipe
from tests.media.corpus.signals import FLASH_FRAME, PATCHES, RGB


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, and what its render must be; where nothing is said, what the recipe drew.

    `shown` are the numbers that the output's frames show, in order. `tags` are the output's
    matrix and range. `beep_s` is when the sound sets in, after the first frame. `patches`
    are the colours that are seen, `uncovered` those before what is transparent is laid on
    black. `refused` is a part of the sentence where the file is
    refused, by the probe or on the way; `remarks` are the warnings, in order.
    """

    name: str
    recipe: Recipe = field(default_factory=Recipe)
    shown: tuple[int, ...] | None = None
    rate: Fraction | None = None
    displayed: Size | None = None
    tags: tuple[int, int] | None = None
    beep_s: float | None = None
    patches: dict[str, RGB] = field(default_factory=lambda: PATCHES)
    uncovered: dict[str, RGB] | None = None
    colour_tolerance: float = 3.0
    remarks: tuple[str, ...] = ()
    refused: str | None = None

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers the output's frames show."""
        return tuple(range(self.recipe.frames)) if self.shown is None else self.shown

    @property
    def rate_hz(self) -> Fraction:
        """The output's frames a second."""
        return self.rate or self.recipe.rate

    @property
    def kept_colours(self) -> dict[str, RGB]:
        """The colours of the corners where their alpha is kept beside them."""
        return self.uncovered or self.patches

    @property
    def size(self) -> Size:
        """The picture's size as displayed."""
        return self.displayed or self.recipe.size

    @property
    def output(self) -> Size:
        """The even size it is rendered at."""
        return Size(self.size.width_px // 2 * 2, self.size.height_px // 2 * 2)

    @property
    def sounds_at_s(self) -> float | None:
        """When the beep is heard in the output; None where there is no sound."""
        if self.recipe.sound is None:
            return None
        usual = float(self.numbers.index(FLASH_FRAME) / self.rate_hz)
        return usual if self.beep_s is None else self.beep_s
