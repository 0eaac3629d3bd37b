"""Image layers: a file's picture, resampled once to its place on the output."""

from math import ceil
from pathlib import Path

import numpy as np
from PIL import Image

from gpu_worker.media.layers.art import Art, art_of, covered, whole_pixels
from gpu_worker.media.picture.planes import Array
from gpu_worker.media.stills.image_files import HEAD_BYTES, format_of, read_thumbnail
from shared.errors import JobFailed
from shared.render.cropping import Rect, Size
from shared.render.layers import Placement

# A larger picture is made as small as this beforehand: no output is larger.
_LARGEST_SIDE_PX = 4096


def image_art(path: Path, placement: Placement, output: Size) -> Art | None:
    """A file's picture in its place; None where none of it can be seen.

    Raises `JobFailed` with `input_unreadable`.
    """
    with path.open("rb") as file:
        form = format_of(file.read(HEAD_BYTES))
    if form is None:
        raise JobFailed("input_unreadable", "The picture is no PNG, JPEG or WebP.")
    facts, image = read_thumbnail(path, form, _LARGEST_SIDE_PX)
    return placed_image(image, placement.rect(output, facts.displayed), output)


def placed_image(image: Image.Image, rect: Rect, output: Size) -> Art | None:
    """A picture in sRGB, with alpha or without, shown in a rectangle of the output.

    Separable Lanczos at the exact place, fractions of a pixel and all, on colours times
    alpha. The rectangle's own edges are as hard as they are: a pixel it covers in part has
    that part of the alpha.
    """
    left, top, right, bottom = whole_pixels(rect, output)
    if right <= left or bottom <= top:
        return None
    size = right - left, bottom - top
    across, down = image.width / rect.width, image.height / rect.height
    box = (
        (left - rect.x) * across,
        (top - rect.y) * down,
        (right - rect.x) * across,
        (bottom - rect.y) * down,
    )
    made = np.empty((size[1], size[0], 4), np.float32)
    bands = image.convert("RGBA").split()
    alpha = np.asarray(bands[3], np.float32) / 255
    # A channel at a time: floats of all four of a large picture would be hundreds of MB.
    for channel, band in enumerate(bands[:3]):
        times_alpha = np.asarray(band, np.float32) / 255 * alpha
        made[..., channel] = _resampled(times_alpha, box, size)
    made[..., 3] = np.clip(_resampled(alpha, box, size), 0, 1)
    made[..., :3] = np.clip(made[..., :3], 0, made[..., 3:])
    made *= covered(rect.y, rect.height, top, size[1])[:, None, None]
    made *= covered(rect.x, rect.width, left, size[0])[None, :, None]
    return art_of(left, top, made)


def _resampled(
    samples: Array, box: tuple[float, float, float, float], size: tuple[int, int]
) -> Array:
    """A box of a channel, which may begin before it and end after it, at another size."""
    rows, columns = samples.shape
    before = max(0, ceil(-box[1])), max(0, ceil(-box[0]))
    after = max(0, ceil(box[3] - rows)), max(0, ceil(box[2] - columns))
    padded = np.pad(samples, tuple(zip(before, after, strict=True)), mode="edge")
    down, across = before
    inside = (box[0] + across, box[1] + down, box[2] + across, box[3] + down)
    picture = Image.fromarray(padded)
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS, box=inside))
