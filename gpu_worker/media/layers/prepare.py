"""Make a plan's layers ready, before the first frame and before any process is split off."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gpu_worker.media.layers.art import Art
from gpu_worker.media.layers.images import image_art
from shared.errors import JobFailed
from shared.render.layers import Layer, Picture
from shared.render.plan import Plan, Remark

MAX_PIXELS = 64_000_000  # of all layers together: about 14 bytes each are held


@dataclass(frozen=True, slots=True)
class Prepared:
    """The art of each layer, in order, and what the person should know of it."""

    arts: tuple[Art | None, ...] = ()
    remarks: tuple[Remark, ...] = ()


def prepared(plan: Plan, files: Mapping[str, Path]) -> Prepared:
    """Read, set and place every layer of a plan; `files` by their place in the input.

    Raises `JobFailed`, which names the layer.
    """
    arts: list[Art | None] = []
    outside, pixels = [], 0
    for index, layer in enumerate(plan.layers):
        name = f"layers.{index}"
        try:
            art = _art(layer, plan, name, files)
        except JobFailed as error:
            raise JobFailed(error.what, f"{name}: {error.public}", detail=str(error)) from error
        if art is None:
            outside.append(str(index))
        pixels += art.pixels if art else 0
        if pixels > MAX_PIXELS:
            raise JobFailed(
                "invalid_request",
                f"{name}: the layers so far cover {pixels} pixels of the output together; "
                f"at most {MAX_PIXELS}.",
            )
        arts.append(art)
    remarks = []
    if outside:
        text = f"Nothing of these layers lies in the picture: {', '.join(outside)}, from 0."
        remarks.append(Remark("layer_out_of_range", text))
    return Prepared(tuple(arts), tuple(remarks))


def _art(layer: Layer, plan: Plan, name: str, files: Mapping[str, Path]) -> Art | None:
    match layer.content:
        case Picture():
            return image_art(files[f"{name}.image"], layer.placement, plan.output)
        case _:
            return None
