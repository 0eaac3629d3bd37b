"""Where layers lie and how strongly they show, frame by frame."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.render.cropping import Rect, Size
from shared.render.layers import Anchor, Layer, Picture, Placement
from shared.render.plan import Footage, plan_framing

OUTPUT = Size(1080, 1920)
LOGO = Size(400, 100)
FOOTAGE = Footage(Size(1920, 1080), Fraction(30), 100, Fraction(100, 30))


def plan_with(*layers, start_s=None, end_s=None):
    return plan_framing(FOOTAGE, OUTPUT, (), start_s=start_s, end_s=end_s).with_layers(layers)


def strengths(plan, frames):
    return [sum(each.opacity for each in plan.layers_at(n)) for n in frames]


@pytest.mark.parametrize(
    ("anchor", "corner"),
    [
        (Anchor.TOP_LEFT, (54, 54)),
        (Anchor.TOP, (340, 54)),
        (Anchor.RIGHT, (1080 - 54 - 400, 910)),
        (Anchor.CENTER, (340, 910)),
        (Anchor.BOTTOM_RIGHT, (1080 - 54 - 400, 1920 - 54 - 100)),
    ],
)
def test_a_margin_moves_a_layer_in_from_the_edges_its_anchor_names(anchor, corner):
    placement = Placement(anchor, margin=0.05)
    assert placement.rect(OUTPUT, LOGO) == Rect(*corner, 400, 100)


def test_a_position_is_where_the_anchor_lies():
    placement = Placement(Anchor.BOTTOM_RIGHT, x=0.5, y=0.25)
    assert placement.rect(OUTPUT, LOGO) == Rect(140, 380, 400, 100)


@pytest.mark.parametrize(
    ("sides", "size"),
    [
        ({"width": 0.2}, (216, 54)),
        ({"height": 0.1}, (768, 192)),
        ({"width": 0.5, "height": 0.5}, (540, 960)),
        ({}, (400, 100)),
    ],
)
def test_a_side_left_out_follows_the_aspect(sides, size):
    rect = Placement(**sides).rect(OUTPUT, LOGO)
    assert (rect.width, rect.height) == pytest.approx(size)


@given(
    anchor=st.sampled_from(Anchor),
    x=st.floats(-1, 2),
    y=st.floats(-1, 2),
    width=st.floats(0.01, 2),
)
def test_the_anchor_of_the_rectangle_is_where_it_was_put(anchor, x, y, width):
    rect = Placement(anchor, x=x, y=y, width=width).rect(OUTPUT, LOGO)
    across, down = anchor.part
    assert rect.x + rect.width * across == pytest.approx(x * 1080, abs=1e-6)
    assert rect.y + rect.height * down == pytest.approx(y * 1920, abs=1e-6)


def test_a_layer_is_seen_from_its_first_frame_up_to_its_end():
    plan = plan_with(Layer(Picture(), start_frame=10, end_frame=12, opacity=0.5))
    assert strengths(plan, range(9, 13)) == [0, 0.5, 0.5, 0]


def test_fades_lie_inside_the_range_and_are_looked_at_in_the_middle_of_each_frame():
    plan = plan_with(Layer(Picture(), start_frame=10, end_frame=20, fade_in=4, fade_out=2))
    assert strengths(plan, range(9, 21)) == [
        0, 0.125, 0.375, 0.625, 0.875, 1, 1, 1, 1, 0.75, 0.25, 0,
    ]  # fmt: skip


@given(st.integers(1, 40))
def test_one_fades_out_as_the_next_fades_in(frames):
    out = Layer(Picture(), start_frame=0, end_frame=50, fade_out=frames)
    into = Layer(Picture(), start_frame=50 - frames, end_frame=100, fade_in=frames)
    plan = plan_with(out, into)
    assert strengths(plan, range(100)) == pytest.approx([1.0] * 100)


def test_without_a_range_a_layer_fills_the_kept_part_and_fades_at_its_ends():
    plan = plan_with(Layer(Picture(), fade_in=2, fade_out=2), start_s=1.0, end_s=2.0)
    assert strengths(plan, (29, 30, 31, 32, 57, 58, 59, 60)) == [
        0, 0.25, 0.75, 1, 1, 0.75, 0.25, 0,
    ]  # fmt: skip


def test_an_end_after_the_last_frame_is_cut_there():
    plan = plan_with(Layer(Picture(), start_frame=90, end_frame=400, fade_out=2))
    assert strengths(plan, (97, 98, 99)) == [1, 0.75, 0.25]


def test_layers_are_drawn_in_the_order_of_the_list():
    plan = plan_with(*(Layer(Picture(), start_frame=n, end_frame=50) for n in (3, 0, 9, 2)))
    assert [each.index for each in plan.layers_at(4)] == [0, 1, 3]


def test_a_layer_that_no_kept_frame_shows_is_told_of():
    plan = plan_with(
        Layer(Picture()), Layer(Picture(), start_frame=40, end_frame=60), end_s=1.0
    )
    (remark,) = (each for each in plan.remarks if each.code == "layer_out_of_range")
    assert "not seen: 1," in remark.message
