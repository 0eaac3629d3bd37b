"""What an export's pixels are: the source's colours, and each effect by its formula."""

from itertools import pairwise
from math import erf, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.exports import export, rgb_at, shots
from tests.support.footage import (
    BT601,
    BT709,
    FULL,
    LIMITED,
    Clip,
    Colour,
    Plane,
    coloured,
)

pytestmark = pytest.mark.media

PATCHES = {
    "red": (200, 16, 24),
    "green": (20, 180, 40),
    "blue": (24, 30, 210),
    "white": (235, 235, 235),
    "grey": (120, 120, 120),
    "skin": (224, 172, 140),
}
PATCH_PX = 96
USUAL = Colour()
AS_IT_IS = {"output_width": 288, "output_height": 192}
COLOURS = pytest.mark.parametrize(
    "colour",
    [Colour(BT709, LIMITED), Colour(BT601, LIMITED), Colour(BT709, FULL), Colour(BT601, FULL)],
    ids=["709", "601", "709-full", "601-full"],
)
# Two rows of three patches.
MIDDLES = {
    name: (PATCH_PX * (index % 3) + 48, PATCH_PX * (index // 3) + 48)
    for index, name in enumerate(PATCHES)
}


def patches() -> Plane:
    rgb = np.zeros((2 * PATCH_PX, 3 * PATCH_PX, 3))
    for name, (x, y) in MIDDLES.items():
        rgb[y - 48 : y + 48, x - 48 : x + 48] = PATCHES[name]
    return rgb


def plain(width: int, height: int, rgb: tuple[int, int, int]) -> Plane:
    return np.broadcast_to(np.array(rgb, float), (height, width, 3))


def written(path: Path, rgb: Plane, colour: Colour = USUAL) -> Path:
    return Clip(colour=colour, crf=2).write(path, [coloured(rgb, colour)] * 3)


def ellipse(x: float, y: float, radius: float, **more: Any) -> dict[str, Any]:
    place = {"x": x, "y": y, "radius_x": radius, "radius_y": radius}
    return {"start_frame": 0, "end_frame": 3, **place, **more}


@COLOURS
def test_d132_colours_and_their_tags_come_through_a_crop(
    tmp_path: Path, colour: Colour
) -> None:
    source = written(tmp_path / "in.mp4", patches(), colour)

    made = export(
        "framing",
        source,
        tmp_path / "scratch",
        crop_keyframes=[{"frame": 0, "x": 3.4, "y": 2.6, "width": 280.8, "height": 187.2}],
        **AS_IT_IS,
    )
    shot = next(shots(made.path))
    scale = 288 / 280.8

    assert (shot.matrix, shot.colour_range) == (colour.matrix, colour.colour_range)
    for name, (x, y) in MIDDLES.items():
        assert rgb_at(shot, (x - 3.4) * scale, (y - 2.6) * scale) == pytest.approx(
            PATCHES[name], abs=3
        )


@COLOURS
@pytest.mark.parametrize("effect", ["blur", "dark_overlay", "brightness_boost", "tint"])
def test_d132_colours_come_through_each_effect(
    tmp_path: Path, colour: Colour, effect: str
) -> None:
    source = written(tmp_path / "in.mp4", patches(), colour)
    x, y = MIDDLES["red"]

    made = export(
        "overlay",
        source,
        tmp_path / "scratch",
        effect_type=effect,
        highlight_regions=[ellipse(x, y, 40, color="#0000ff")],
        **AS_IT_IS,
    )
    shot = next(shots(made.path))
    red, skin = np.array(PATCHES["red"]), np.array(PATCHES["skin"])
    inside, outside = {
        "blur": (red, skin),
        "dark_overlay": (red, skin * 0.4),
        "brightness_boost": (np.minimum(red * 1.35, 255), skin),
        "tint": (red * 0.65 + np.array((0, 0, 255)) * 0.35, skin),
    }[effect]

    assert rgb_at(shot, x, y) == pytest.approx(inside, abs=3)
    assert rgb_at(shot, *MIDDLES["skin"]) == pytest.approx(outside, abs=3)


def test_d132_a_ring_of_ff0000_is_red(tmp_path: Path) -> None:
    source = written(tmp_path / "in.mp4", plain(1200, 900, (120, 120, 120)))

    made = export(
        "overlay",
        source,
        tmp_path / "scratch",
        effect_type="outline",
        highlight_regions=[ellipse(600, 450, 300, color="#ff0000")],
        crop_keyframes=[{"frame": 0, "x": 500, "y": 100, "width": 200, "height": 200}],
        output_width=200,
        output_height=200,
    )
    shot = next(shots(made.path))

    # The ring's top: 4.5 px wide about y = 150 of the input, 50 of the output.
    assert rgb_at(shot, 100, 50, reach_px=2) == pytest.approx((255, 0, 0), abs=12)
    assert rgb_at(shot, 100, 30) == pytest.approx((120, 120, 120), abs=3)
    assert rgb_at(shot, 100, 70) == pytest.approx((120, 120, 120), abs=3)


@pytest.mark.parametrize(
    ("effect", "regions", "inside", "outside"),
    [
        ("dark_overlay", [ellipse(60, 60, 40)], 120, 48),
        ("dark_overlay", [ellipse(60, 60, 40, opacity=0.5)], 120, 84),
        (
            "dark_overlay",
            [ellipse(60, 60, 40, opacity=0.2), ellipse(60, 60, 30, opacity=0.5)],
            120,
            84,
        ),
        ("brightness_boost", [ellipse(60, 60, 40)], 162, 120),
        ("brightness_boost", [ellipse(60, 60, 40, opacity=0.5)], 141, 120),
        ("none", [ellipse(60, 60, 40)], 120, 120),
        ("blur", [ellipse(60, 60, 40)], 120, 120),
        ("dark_overlay", [ellipse(-60, 60, 40)], 120, 120),
    ],
)
def test_an_effect_on_grey_is_its_formula(
    tmp_path: Path, effect: str, regions: list[dict[str, Any]], inside: int, outside: int
) -> None:
    source = written(tmp_path / "in.mp4", plain(240, 160, (120, 120, 120)))

    made = export(
        "overlay",
        source,
        tmp_path / "scratch",
        effect_type=effect,
        highlight_regions=regions,
        output_width=240,
        output_height=160,
    )
    shot = next(shots(made.path))

    assert rgb_at(shot, 60, 60) == pytest.approx([inside] * 3, abs=3)
    assert rgb_at(shot, 180, 110) == pytest.approx([outside] * 3, abs=3)


def test_tints_are_mixed_in_list_order(tmp_path: Path) -> None:
    source = written(tmp_path / "in.mp4", plain(240, 160, (120, 120, 120)))

    made = export(
        "overlay",
        source,
        tmp_path / "scratch",
        effect_type="tint",
        highlight_regions=[
            ellipse(100, 80, 60, color="#ff0000"),
            ellipse(140, 80, 60, color="#0000ff", opacity=0.5),
        ],
        output_width=240,
        output_height=160,
    )
    shot = next(shots(made.path))
    red = np.array((120, 120, 120)) * 0.65 + np.array((255, 0, 0)) * 0.35
    both = red * (1 - 0.175) + np.array((0, 0, 255)) * 0.175

    assert rgb_at(shot, 60, 80) == pytest.approx(red, abs=3)
    assert rgb_at(shot, 120, 80) == pytest.approx(both, abs=3)


@pytest.mark.parametrize("opacity", [1.0, 0.5])
def test_outside_an_ellipse_edges_are_blurred_and_inside_they_stay(
    tmp_path: Path, opacity: float
) -> None:
    rgb = np.full((400, 640, 3), 60.0)
    rgb[:, 320:] = 180
    source = written(tmp_path / "in.mp4", rgb)

    made = export(
        "overlay",
        source,
        tmp_path / "scratch",
        effect_type="blur",
        highlight_regions=[ellipse(320, 100, 60, opacity=opacity)],
        output_width=640,
        output_height=400,
    )
    luma = (next(shots(made.path)).y.astype(float) - 16) * 255 / 219

    # 1 % of the shorter side is a sigma of 4: the edge becomes its cumulative bell.
    columns = np.arange(300, 340)
    sharp = np.where(columns < 320, 60, 180)
    bell = [120 + 60 * erf((column + 0.5 - 320) / 4 / sqrt(2)) for column in columns]
    mixed = sharp * (1 - opacity) + np.array(bell) * opacity
    assert luma[300, 300:340] == pytest.approx(mixed, abs=6)
    assert luma[100, 300:340] == pytest.approx(sharp, abs=6)


def test_the_edge_of_a_highlight_is_one_pixel_wide(tmp_path: Path) -> None:
    source = written(tmp_path / "in.mp4", plain(240, 160, (120, 120, 120)))

    made = export(
        "overlay",
        source,
        tmp_path / "scratch",
        effect_type="dark_overlay",
        highlight_regions=[ellipse(120, 80, 50)],
        output_width=240,
        output_height=160,
    )
    luma = (next(shots(made.path)).y.astype(float) - 16) * 255 / 219

    # The ellipse ends at x = 170, the border of pixels 169 and 170.
    assert luma[80, 160:168] == pytest.approx([120] * 8, abs=6)
    assert luma[80, 172:180] == pytest.approx([48] * 8, abs=6)
    assert all(a >= b - 6 for a, b in pairwise(luma[80, 164:176]))
