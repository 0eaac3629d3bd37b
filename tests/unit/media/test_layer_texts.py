"""Texts as pictures: where the ink is, in which colours, and what lies under it."""

from contextlib import suppress
from fractions import Fraction

import numpy as np
import pytest

from gpu_worker.media.layers.fonts import FONTS, FontShelf
from gpu_worker.media.layers.prepare import prepared
from gpu_worker.media.layers.texts import text_art
from shared.errors import JobFailed
from shared.render.cropping import Size
from shared.render.layers import (
    Anchor,
    Box,
    Layer,
    Outline,
    Placement,
    Shadow,
    Text,
    Weight,
)
from shared.render.plan import Footage, plan_framing

OUTPUT = Size(400, 300)
CENTRED = Placement()
TOP_LEFT = Placement(Anchor.TOP_LEFT)


@pytest.fixture(scope="module")
def shelf():
    return FontShelf()


@pytest.fixture
def painted(shelf):
    """The whole output as (height, width, 4) of 0 … 1, colours times alpha."""

    def made(text, placement=CENTRED, font_file=None, **fields):
        asked = Text(text, **{"font": "noto-sans", "size": 0.2} | fields)
        art, _ = text_art(asked, placement, OUTPUT, shelf, font_file)
        canvas = np.zeros((OUTPUT.height_px, OUTPUT.width_px, 4))
        if art is not None:
            rows, columns = art.samples.shape[:2]
            part = canvas[art.top : art.top + rows, art.left : art.left + columns]
            part[:] = art.samples / 65535
        return canvas

    return made


def ink_box(canvas):
    rows = np.flatnonzero(canvas[..., 3].any(axis=1))
    columns = np.flatnonzero(canvas[..., 3].any(axis=0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def middle(canvas):
    alpha = canvas[..., 3]
    across, down = np.arange(400) + 0.5, np.arange(300) + 0.5
    return alpha.sum(0) @ across / alpha.sum(), alpha.sum(1) @ down / alpha.sum()


def test_letters_are_in_their_colour_and_stand_upright(painted):
    canvas = painted("L", color=(200, 100, 50))
    solid = canvas[canvas[..., 3] == 1]
    assert len(solid) > 100
    assert solid[:, :3] * 255 == pytest.approx(
        np.tile((200, 100, 50), (len(solid), 1)), abs=0.1
    )
    top, bottom, left, right = ink_box(canvas)
    foot = canvas[bottom - 4 : bottom, left:right, 3].sum()
    assert foot > 2 * canvas[top : top + 4, left:right, 3].sum()


@pytest.mark.parametrize(("x", "y"), [(0.25, 0.0), (0.5, 0.5), (0.8, 0.1)])
def test_letters_lie_where_they_are_put_to_a_fraction_of_a_pixel(painted, x, y):
    at = [
        painted("o", Placement(x=(200 + dx) / 400, y=(150 + dy) / 300))
        for dx, dy in ((0, 0), (x, y))
    ]
    (x0, y0), (x1, y1) = map(middle, at)
    assert (x1 - x0, y1 - y0) == pytest.approx((x, y), abs=0.03)


def test_a_box_lies_behind_the_whole_text_and_its_padding(painted):
    bare = painted("one\ntwo", size=0.1)
    boxed = painted("one\ntwo", size=0.1, box=Box((0, 0, 255), 0.5, 0.5))
    top, _, left, right = ink_box(boxed)
    assert right - left - 2 * 15 >= ink_box(bare)[3] - ink_box(bare)[2]
    inside = boxed[top + 2 : top + 8, left + 2 : right - 2]
    assert inside[..., 3] == pytest.approx(0.5, abs=1e-4)
    assert inside[..., 2] == pytest.approx(0.5, abs=1e-4)


def test_a_box_is_as_sharp_as_where_it_lies(painted):
    boxed = painted("o", Placement(Anchor.TOP_LEFT, x=10.25 / 400, y=0.1), box=Box())
    column = boxed[60, :, 3]
    assert column[9:12] == pytest.approx([0, 0.75, 1], abs=1e-3)


def test_an_outline_is_as_wide_as_asked_and_under_the_letters(painted):
    bare = painted("l", color=(255, 255, 255))
    lined = painted("l", color=(255, 255, 255), outline=Outline((255, 0, 0), 0.1))
    (_, _, left, right), (_, _, wide_left, wide_right) = ink_box(bare), ink_box(lined)
    assert (left - wide_left, wide_right - right) == pytest.approx((6, 6), abs=1)
    solid = bare[..., 3] == 1
    assert (lined[solid][:, 1] > 0.999).all()
    assert lined[150, wide_left + 3] == pytest.approx((1, 0, 0, 1), abs=1e-3)


def test_a_shadow_lies_beside_the_letters_and_is_soft(painted):
    shadow = Shadow((0, 0, 255), 0.5, x=0.5, y=0.0, blur=0.05)
    canvas = painted("l", color=(255, 0, 0), shadow=shadow)
    blue, red = (canvas[..., channel].sum(0) for channel in (2, 0))
    across = np.arange(400) + 0.5
    assert blue @ across / blue.sum() - red @ across / red.sum() == pytest.approx(30, abs=0.2)
    assert canvas[..., 2].max() <= 0.5
    assert len(np.flatnonzero(blue > 0.01)) > len(np.flatnonzero(red > 0.01)) + 6


def test_text_partly_outside_is_cut_and_wholly_outside_is_nothing(painted, shelf):
    cut = painted("mmmm", Placement(x=0.0))
    assert ink_box(cut)[2] < 10
    assert ink_box(cut)[3] < 200
    far = Placement(x=3.0)
    assert text_art(Text("m", "noto-sans"), far, OUTPUT, shelf, None)[0] is None


def test_an_anchor_and_a_margin_keep_a_text_inside_its_corner(painted):
    placement = Placement(Anchor.BOTTOM_RIGHT, margin=0.1)
    _, bottom, _, right = ink_box(painted("H", placement))
    assert 400 - 30 - 10 <= right <= 400 - 30
    assert bottom <= 300 - 30


@pytest.mark.parametrize("letter", ["H", "日", "☂"])
def test_bold_has_more_ink(painted, letter):
    regular, bold = (painted(letter, weight=each)[..., 3].sum() for each in Weight)
    assert bold > 1.1 * regular


def test_a_font_of_one_s_own_is_asked_first(painted):
    own = FONTS / "noto-serif-regular.ttf"
    assert (painted("Rg", font_file=own) == painted("Rg", font="noto-serif")).all()
    assert (painted("Rg", font_file=own) != painted("Rg")).any()


def prepare(layers, files):
    footage = Footage(Size(400, 300), Fraction(25), 50, Fraction(2))
    return prepared(plan_framing(footage, OUTPUT, ()).with_layers(layers), files)


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda font: b"",
        lambda font: font[:200],
        lambda font: b"not a font" * 500,
        lambda font: font[:12] + bytes(len(font) - 12),
    ],
    ids=["empty", "cut", "text", "without tables"],
)
def test_a_broken_font_fails_the_job_and_names_the_layer(tmp_path, spoilt):
    path = tmp_path / "font.ttf"
    path.write_bytes(spoilt((FONTS / "noto-sans-thai-regular.ttf").read_bytes()))
    layers = [Layer(Text("a", "noto-sans")), Layer(Text("a", "noto-sans", own_font=True))]
    with pytest.raises(JobFailed) as caught:
        prepare(layers, {"layers.1.font_file": path})
    assert caught.value.what == "input_unreadable"
    assert caught.value.public.startswith("layers.1: The font cannot be read.")


def test_a_font_whose_tables_lie_is_survived(tmp_path):
    whole = bytearray((FONTS / "noto-sans-thai-regular.ttf").read_bytes())
    random = np.random.default_rng(3)
    path = tmp_path / "font.ttf"
    survived = 0
    for _ in range(20):
        spoilt = bytearray(whole)
        for at in random.integers(300, len(whole), 400):
            spoilt[at] = random.integers(0, 256)
        path.write_bytes(spoilt)
        with suppress(JobFailed):
            prepare(
                [Layer(Text("ที่ abc", "noto-sans", own_font=True))],
                {"layers.0.font_file": path},
            )
        survived += 1
    assert survived == 20


def test_characters_no_font_has_are_remarked_on_once():
    made = prepare([Layer(Text("a\U00012000\U00012000", "noto-sans"))] * 2, {})
    (remark,) = made.remarks
    assert remark.code == "glyphs_missing"
    assert remark.message.endswith(": U+12000.")


def test_layers_that_cover_too_much_together_are_refused():
    boxed = Layer(Text("m", "noto-sans", size=0.2, box=Box(padding=1)))
    footage = Footage(Size(400, 300), Fraction(25), 50, Fraction(2))
    plan = plan_framing(footage, OUTPUT, ()).with_layers([boxed] * 3)
    covered = prepared(plan, {}).arts[0].pixels
    assert len(prepared(plan, {}, max_pixels=3 * covered).arts) == 3
    with pytest.raises(JobFailed) as caught:
        prepared(plan, {}, max_pixels=3 * covered - 1)
    assert caught.value.what == "invalid_request"
    assert caught.value.public.startswith("layers.2: ")
