"""How a rectangle is made to fit: never stretched, inside the frame, its size kept."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.render.cropping import Rect, Size, centred, displayed_size, fitted

HD = Size(1920, 1080)
PORTRAIT = Size(1080, 1920)

sides = st.integers(8, 2048).map(lambda half: 2 * half)
outputs = st.builds(Size, sides, sides)
frames = st.builds(Size, st.integers(1, 8192), st.integers(1, 8192))
places = st.floats(-100_000, 100_000)
lengths = st.floats(16, 100_000)
rects = st.builds(Rect, places, places, lengths, lengths)


def close(rect: Rect) -> object:
    return pytest.approx((rect.x, rect.y, rect.width, rect.height), rel=1e-9, abs=1e-6)


def parts(rect: Rect) -> tuple[float, float, float, float]:
    return rect.x, rect.y, rect.width, rect.height


@pytest.mark.parametrize(
    ("asked", "output", "shown", "clamped"),
    [
        ((0, 340, 400, 400), PORTRAIT, (0, 184.444444444, 400, 711.111111111), False),
        ((500, 40, 1000, 1000), PORTRAIT, (696.25, 0, 607.5, 1080), True),
        ((-50, 0, 607.5, 1080), PORTRAIT, (0, 0, 607.5, 1080), True),
        ((1800, 0, 607.5, 1080), PORTRAIT, (1312.5, 0, 607.5, 1080), True),
        ((3000, 0, 607.5, 1080), PORTRAIT, (1312.5, 0, 607.5, 1080), True),
        ((900, 500, 100, 50), HD, (900, 496.875, 100, 56.25), False),
        ((100, 100, 200, 300), HD, (0, 100, 533.333333333, 300), True),
        ((100, 0, 607.5, 1080), PORTRAIT, (100, 0, 607.5, 1080), False),
        ((0, 0, 100_000, 100_000), PORTRAIT, (1312.5, 0, 607.5, 1080), True),
    ],
)
def test_the_worked_rectangles_come_out_as_worked(
    asked: tuple[float, ...], output: Size, shown: tuple[float, ...], clamped: bool
) -> None:
    rect, was_clamped = fitted(Rect(*asked), HD, output)

    assert parts(rect) == pytest.approx(shown, abs=1e-6)
    assert was_clamped is clamped


def test_without_a_crop_the_middle_is_shown() -> None:
    assert centred(HD, PORTRAIT) == Rect(656.25, 0, 607.5, 1080)
    assert centred(PORTRAIT, HD) == Rect(0, 656.25, 1080, 607.5)
    assert centred(HD, HD) == Rect(0, 0, 1920, 1080)


@given(rects, frames, outputs)
def test_a_crop_lies_inside_the_frame(rect: Rect, frame: Size, output: Size) -> None:
    shown, _ = fitted(rect, frame, output)

    assert shown.x >= 0
    assert shown.y >= 0
    assert shown.width > 0
    assert shown.height > 0
    assert shown.x + shown.width <= frame.width_px * (1 + 1e-12)
    assert shown.y + shown.height <= frame.height_px * (1 + 1e-12)


@given(rects, frames, outputs)
def test_d127_a_crop_has_the_outputs_aspect_so_nothing_is_stretched(
    rect: Rect, frame: Size, output: Size
) -> None:
    shown, _ = fitted(rect, frame, output)

    assert shown.width * output.height_px == pytest.approx(
        shown.height * output.width_px, rel=1e-12
    )


def test_d127_a_square_crop_for_a_tall_output_scales_both_axes_alike() -> None:
    shown, _ = fitted(Rect(300, 200, 400, 400), HD, PORTRAIT)

    across, down = PORTRAIT.width_px / shown.width, PORTRAIT.height_px / shown.height
    assert across == pytest.approx(down, rel=1e-12)
    assert shown.centre == pytest.approx((500, 400))


@given(rects, frames, outputs)
def test_growing_keeps_everything_chosen_unless_it_must_shrink(
    rect: Rect, frame: Size, output: Size
) -> None:
    shown, clamped = fitted(rect, frame, output)

    lost = max(
        shown.x - rect.x,
        shown.y - rect.y,
        rect.x + rect.width - shown.x - shown.width,
        rect.y + rect.height - shown.y - shown.height,
    )
    assert clamped or lost <= 1e-6


@given(rects, frames, outputs)
def test_fitting_what_fits_changes_nothing(rect: Rect, frame: Size, output: Size) -> None:
    once, _ = fitted(rect, frame, output)
    twice, clamped = fitted(once, frame, output)

    assert parts(twice) == close(once)
    assert not clamped


@given(places, places, st.floats(16, 600), frames.filter(lambda f: f.shorter_px >= 1100))
def test_d128_at_the_edge_the_size_is_kept(
    x: float, y: float, width: float, frame: Size
) -> None:
    shown, _ = fitted(Rect(x, y, width, width * 16 / 9), frame, PORTRAIT)

    assert (shown.width, shown.height) == pytest.approx((width, width * 16 / 9), rel=1e-12)


@given(rects, frames, outputs)
def test_clamped_says_whether_shrinking_or_shifting_changed_the_grown_rectangle(
    rect: Rect, frame: Size, output: Size
) -> None:
    # Grown by hand: the sides that hold both the asked rectangle and the output's aspect.
    aspect = Fraction(output.width_px, output.height_px)
    width = max(rect.width, float(rect.height * aspect))
    height = max(rect.height, float(rect.width / aspect))
    left, top = rect.x + (rect.width - width) / 2, rect.y + (rect.height - height) / 2
    over = max(-left, -top, left + width - frame.width_px, top + height - frame.height_px)

    _, clamped = fitted(rect, frame, output)

    # A shrink about the centre may move an edge by half of what the side lost.
    assert clamped is (over > 0) or abs(over) < 2e-6


@pytest.mark.parametrize(
    ("coded", "pixel_aspect", "turns", "displayed"),
    [
        (Size(1920, 1080), Fraction(1), 0, Size(1920, 1080)),
        (Size(1920, 1080), Fraction(1), 1, Size(1080, 1920)),
        (Size(1920, 1080), Fraction(1), -1, Size(1080, 1920)),
        (Size(1920, 1080), Fraction(1), 2, Size(1920, 1080)),
        (Size(1440, 1080), Fraction(4, 3), 0, Size(1920, 1080)),
        (Size(1440, 1080), Fraction(4, 3), 3, Size(1080, 1920)),
        (Size(720, 576), Fraction(16, 15), 0, Size(768, 576)),
        (Size(720, 480), Fraction(8, 9), 0, Size(720, 540)),
        (Size(640, 480), Fraction(0), 0, Size(640, 480)),
    ],
)
def test_d131_coordinates_are_those_of_the_displayed_picture(
    coded: Size, pixel_aspect: Fraction, turns: int, displayed: Size
) -> None:
    assert displayed_size(coded, pixel_aspect, turns) == displayed


@pytest.mark.parametrize(("width", "height"), [(0, 10), (10, 0), (-1, 5)])
def test_a_picture_without_pixels_is_refused(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="no picture"):
        Size(width, height)
