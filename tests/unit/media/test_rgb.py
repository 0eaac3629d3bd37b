"""Still pictures of ten-bit samples: what has no colour gets none."""

import io
from fractions import Fraction

import numpy as np
import pytest
from av.video.frame import VideoFrame
from PIL import Image

from gpu_worker.media.encoding.stills import StillsWatch
from gpu_worker.media.picture.colour import BT709, FULL, LIMITED, Colours
from gpu_worker.media.picture.planes import samples_of
from gpu_worker.media.stills.from_planes import output_rgb
from shared.render.cropping import Size
from shared.render.stills import Sprites, Stills

WIDTH, HEIGHT = 1024, 64


def greys(depth: str, colour_range: int) -> tuple[VideoFrame, Colours]:
    """A frame with every luma sample of its depth from left to right, and no colour."""
    colours = Colours(BT709, BT709, BT709, colour_range)
    frame = VideoFrame(WIDTH, HEIGHT, f"yuv420p{depth}")
    bits = frame.format.components[0].bits
    luma = samples_of(frame.planes[0], bits)
    luma[:, :WIDTH] = np.arange(WIDTH) * (1 << bits) // WIDTH
    for plane in frame.planes[1:]:
        samples_of(plane, bits)[:] = 1 << (bits - 1)
    return frame, colours


EACH_SORT = pytest.mark.parametrize(
    ("depth", "colour_range"), [("", LIMITED), ("", FULL), ("10le", LIMITED), ("10le", FULL)]
)


@EACH_SORT
def test_a_picture_of_a_grey_frame_is_grey(depth: str, colour_range: int) -> None:
    made = output_rgb(*greys(depth, colour_range)).astype(int)
    assert np.ptp(made, axis=2).max() == 0


def test_a_ten_bit_picture_of_full_range_goes_from_black_to_white() -> None:
    made = output_rgb(*greys("10le", FULL))
    assert made[0, [0, -1]].tolist() == [[0, 0, 0], [255, 255, 255]]


@EACH_SORT
def test_poster_and_sprites_of_a_grey_frame_are_grey(depth: str, colour_range: int) -> None:
    frame, colours = greys(depth, colour_range)
    stills = Stills((0,), Sprites.of(1, Fraction(25), Size(WIDTH, HEIGHT)))
    watch = StillsWatch(stills, colours)

    watch.see(0, frame)

    assert watch.seen.poster is not None
    poster = np.asarray(Image.open(io.BytesIO(watch.seen.poster.jpeg)).convert("RGB"))
    sprite = np.frombuffer(watch.seen.thumbs[0], np.uint8).reshape(-1, 3)
    assert np.ptp(poster.astype(int), axis=2).max() == 0
    assert np.ptp(sprite.astype(int), axis=1).max() == 0
