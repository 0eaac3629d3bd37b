"""Orientation and colour tags, read from what files say."""

import struct

import numpy as np
import pytest

from gpu_worker.media.picture.colour import BT601, BT709, FULL, LIMITED, Colours, colours_of
from gpu_worker.media.picture.planes import Axis, Orientation, Plane
from shared.render.cropping import Size

ONE = 1 << 16


def matrix(a: int, b: int, c: int, d: int) -> bytes:
    return struct.pack("=9i", a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30)


# A stored picture: top left 1, top right 2, bottom left 3, bottom right 4.
STORED = np.array([[1, 2], [3, 4]], np.uint8)

MATRICES = {
    "upright": (matrix(1, 0, 0, 1), [[1, 2], [3, 4]]),
    "a quarter turn clockwise": (matrix(0, 1, -1, 0), [[3, 1], [4, 2]]),
    "upside down": (matrix(-1, 0, 0, -1), [[4, 3], [2, 1]]),
    "a quarter turn back": (matrix(0, -1, 1, 0), [[2, 4], [1, 3]]),
    "mirrored": (matrix(-1, 0, 0, 1), [[2, 1], [4, 3]]),
    "mirrored and upside down": (matrix(1, 0, 0, -1), [[3, 4], [1, 2]]),
    "over the diagonal": (matrix(0, 1, 1, 0), [[1, 3], [2, 4]]),
    "over the other diagonal": (matrix(0, -1, -1, 0), [[4, 2], [3, 1]]),
}


@pytest.mark.parametrize(("said", "shown"), MATRICES.values(), ids=MATRICES.keys())
def test_d131_a_display_matrix_says_how_the_picture_is_held(
    said: bytes, shown: list[list[int]]
) -> None:
    plane = Plane(STORED, Axis(1, 0), Axis(1, 0))

    placed = Orientation.of_matrix(said).placed(plane, Size(2, 2))

    assert placed.samples.tolist() == shown


@pytest.mark.parametrize(
    ("height", "usual"), [(480, BT601), (719, BT601), (720, BT709), (2160, BT709)]
)
def test_untagged_video_is_bt_709_from_720_lines_up(height: int, usual: int) -> None:
    assert colours_of(2, 2, 2, 0, height) == Colours(usual, usual, usual, LIMITED)


def test_what_is_tagged_stays() -> None:
    assert colours_of(9, 9, 16, FULL, 480) == Colours(9, 9, 16, FULL)


@pytest.mark.parametrize(
    ("colours", "codes"),
    [
        (Colours(BT709, BT709, BT709, LIMITED), (63, 102, 240)),
        (Colours(BT601, BT601, BT601, LIMITED), (81, 90, 240)),
        (Colours(BT601, BT601, BT601, FULL), (76, 85, 255.5)),
    ],
    ids=["709", "601", "601 full"],
)
def test_red_has_the_codes_of_the_standards(
    colours: Colours, codes: tuple[float, float, float]
) -> None:
    assert colours.codes(255, 0, 0) == pytest.approx(codes, abs=0.6)
