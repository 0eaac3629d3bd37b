"""Make a plan's layers ready, before the first frame and before any process is split off."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gpu_worker.media.layers.art import Art
from gpu_worker.media.layers.fonts import FontShelf
from gpu_worker.media.layers.images import image_art
from gpu_worker.media.layers.texts import text_art
from shared.errors import JobFailed
from shared.render.cropping import Size
from shared.render.layers import Layer, Text
from shared.render.plan import Plan, Remark

MAX_PIXELS = 64_000_000  # of all layers together: about 14 bytes each are held


@dataclass(frozen=True, slots=True)
class Prepared:
    """The art of each layer, in order, and what the person should know of it."""

    arts: tuple[Art | None, ...] = ()
    remarks: tuple[Remark, ...] = ()


def prepared(plan: Plan, files: Mapping[str, Path], max_pixels: int = MAX_PIXELS) -> Prepared:
    """Read, set and place every layer of a plan; `files` by their place in the input.

    Raises `JobFailed`, which names the layer.
    """
    arts: list[Art | None] = []
    missing: list[str] = []
    making, pixels = _Making(plan.output, files), 0
    for index, layer in enumerate(plan.layers):
        name = f"layers.{index}"
        try:
            art, unknown = making.art(name, layer)
        except JobFailed as error:
            raise JobFailed(error.what, f"{name}: {error.public}", detail=str(error)) from error
        missing += [each for each in unknown if each not in missing]
        pixels += art.pixels if art else 0
        if pixels > max_pixels:
            raise JobFailed(
                "invalid_request",
                f"{name}: the layers so far cover {pixels} pixels of the output together; "
                f"at most {max_pixels}.",
            )
        arts.append(art)
    return Prepared(tuple(arts), tuple(_remarks(arts, missing)))


def _remarks(arts: Sequence[Art | None], missing: Sequence[str]) -> Iterator[Remark]:
    outside = [str(index) for index, art in enumerate(arts) if art is None]
    if outside:
        text = f"Nothing of these layers is in the picture: {', '.join(outside)}, from 0."
        yield Remark("layer_out_of_range", text)
    if missing:
        shown = ", ".join(" ".join(f"U+{ord(c):04X}" for c in each) for each in missing[:10])
        text = f"No font has these characters, boxes stand for them: {shown}."
        yield Remark("glyphs_missing", text)


@dataclass(frozen=True, slots=True)
class _Making:
    output: Size
    files: Mapping[str, Path]
    shelf: FontShelf = field(default_factory=FontShelf)

    def art(self, name: str, layer: Layer) -> tuple[Art | None, tuple[str, ...]]:
        """A layer's art, and what of its text no font has."""
        content, placement = layer.content, layer.placement
        if isinstance(content, Text):
            own = self.files[f"{name}.font_file"] if content.own_font else None
            return text_art(content, placement, self.output, self.shelf, own)
        return image_art(self.files[f"{name}.image"], placement, self.output), ()
