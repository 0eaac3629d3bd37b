"""How a crop moves between its keyframes."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.render.cropping import Rect, Size, centred
from shared.render.keyframes import (
    CropPath,
    DuplicateKeyframe,
    Keyframe,
    in_order,
)
from shared.render.movement import Easing

HD = Size(1920, 1080)
PORTRAIT = Size(1080, 1920)
LEFT = Rect(100, 0, 607.5, 1080)
RIGHT = Rect(700, 0, 607.5, 1080)

places = st.floats(-3000, 3000)
lengths = st.floats(16, 3000)
rects = st.builds(Rect, places, places, lengths, lengths)


def lists_of(easings: st.SearchStrategy[Easing]) -> st.SearchStrategy[list[Keyframe]]:
    return st.lists(
        st.builds(Keyframe, st.integers(0, 400), rects, easings),
        min_size=1,
        max_size=8,
        unique_by=lambda keyframe: keyframe.frame,
    )


keyframe_lists = lists_of(st.just(Easing.LINEAR))


def interpolated(keyframes: tuple[Keyframe, ...], n: int) -> Rect:
    return CropPath(keyframes, HD, PORTRAIT).asked(n)


def parts(rect: Rect) -> tuple[float, float, float, float]:
    return rect.x, rect.y, rect.width, rect.height


def test_the_worked_pan_is_linear_and_held_at_its_end() -> None:
    path = CropPath((Keyframe(0, LEFT), Keyframe(30, RIGHT)), HD, PORTRAIT)

    shown = [path.rect(n) for n in (0, 10, 30, 45)]

    assert [rect.x for rect in shown] == pytest.approx([100, 300, 700, 700])
    assert {parts(rect)[1:] for rect in shown} == {(0, 607.5, 1080)}


def test_d125_no_keyframes_show_the_middle_and_clamp_nothing() -> None:
    path = CropPath((), HD, PORTRAIT)

    assert path.rect(0) == path.rect(10**9) == centred(HD, PORTRAIT)
    assert not path.clamps_within(range(100))


def test_d125_one_keyframe_is_a_constant_crop() -> None:
    path = CropPath((Keyframe(50, LEFT),), HD, PORTRAIT)

    assert {path.rect(n) for n in (0, 49, 50, 51, 1000)} == {LEFT}


def test_d125_equal_keyframes_on_one_frame_are_merged() -> None:
    path = CropPath((Keyframe(5, LEFT), Keyframe(5, LEFT)), HD, PORTRAIT)

    assert path.keyframes == (Keyframe(5, LEFT),)
    assert path.rect(5) == LEFT


def test_d125_different_keyframes_on_one_frame_are_refused_by_number() -> None:
    with pytest.raises(DuplicateKeyframe, match="frame 5 ") as caught:
        CropPath((Keyframe(5, LEFT), Keyframe(9, LEFT), Keyframe(5, RIGHT)), HD, PORTRAIT)
    assert caught.value.frame == 5


@given(keyframe_lists, st.randoms(use_true_random=False))
def test_d125_the_order_of_the_list_does_not_matter(
    keyframes: list[Keyframe], random: object
) -> None:
    shuffled = list(keyframes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis gives it no type

    assert in_order(shuffled) == in_order(keyframes)


@given(keyframe_lists)
def test_d125_before_the_first_and_after_the_last_the_crop_is_held(
    keyframes: list[Keyframe],
) -> None:
    ordered = in_order(keyframes)

    assert interpolated(ordered, ordered[0].frame - 1) == ordered[0].rect
    assert interpolated(ordered, ordered[-1].frame + 10**6) == ordered[-1].rect


@given(keyframe_lists)
def test_on_its_frame_a_keyframe_is_met_exactly(keyframes: list[Keyframe]) -> None:
    ordered = in_order(keyframes)

    assert [interpolated(ordered, each.frame) for each in ordered] == [
        each.rect for each in ordered
    ]


@given(keyframe_lists, st.integers(0, 420))
def test_each_frame_is_computed_from_its_two_keyframes_alone(
    keyframes: list[Keyframe], n: int
) -> None:
    # In exact arithmetic, from the whole distance and never from the frame before.
    ordered = in_order(keyframes)
    before = max((k for k in ordered if k.frame <= n), key=lambda k: k.frame, default=None)
    after = min((k for k in ordered if k.frame >= n), key=lambda k: k.frame, default=None)
    a, b = before or after, after or before
    assert a is not None
    assert b is not None
    part = Fraction(n - a.frame, b.frame - a.frame) if a.frame != b.frame else Fraction(0)
    exact = [
        float(Fraction(p) + (Fraction(q) - Fraction(p)) * part)
        for p, q in zip(parts(a.rect), parts(b.rect), strict=True)
    ]

    assert parts(interpolated(ordered, n)) == pytest.approx(exact, rel=1e-12, abs=1e-9)


def test_d124_a_slow_pan_over_a_day_of_frames_does_not_accumulate() -> None:
    last = 24 * 3600 * 60
    ordered = (Keyframe(0, Rect(0.1, 0, 100, 100)), Keyframe(last, Rect(1000.3, 0, 100, 100)))

    exact = Fraction(0.1) + (Fraction(1000.3) - Fraction(0.1)) * Fraction(last - 1, last)

    assert interpolated(ordered, last - 1).x == pytest.approx(float(exact), abs=1e-12)


def test_d124_a_linear_pan_has_equal_steps_and_one_size() -> None:
    path = CropPath(
        (Keyframe(0, LEFT), Keyframe(299, Rect(130.5, 0, 607.5, 1080))), HD, PORTRAIT
    )

    shown = [path.rect(n) for n in range(300)]
    steps = [b.x - a.x for a, b in pairwise(shown)]

    assert steps == pytest.approx([30.5 / 299] * 299, abs=1e-9)
    assert {(rect.width, rect.height) for rect in shown} == {(607.5, 1080)}


def test_d128_a_crop_moving_out_of_the_frame_keeps_its_size() -> None:
    path = CropPath(
        (Keyframe(0, LEFT), Keyframe(60, Rect(2500, 900, 607.5, 1080))), HD, PORTRAIT
    )

    shown = [path.rect(n) for n in range(61)]

    assert {(rect.width, rect.height) for rect in shown} == {(607.5, 1080)}
    assert all(a.x <= b.x for a, b in pairwise(shown))


def test_two_easings_on_one_frame_are_refused_by_number() -> None:
    with pytest.raises(DuplicateKeyframe, match=r"frame 5 .* easings") as caught:
        CropPath((Keyframe(5, LEFT), Keyframe(5, LEFT, Easing.HOLD)), HD, PORTRAIT)
    assert caught.value.frame == 5


def test_a_held_crop_cuts_to_the_next_on_its_frame() -> None:
    path = CropPath((Keyframe(0, LEFT, Easing.HOLD), Keyframe(30, RIGHT)), HD, PORTRAIT)

    assert [path.rect(n) for n in (0, 29, 30, 31)] == [LEFT, LEFT, RIGHT, RIGHT]


# Rectangles that mostly fit, so that a clamp is a near thing and some curves just miss it.
fitting = st.builds(
    Rect, st.floats(-20, 320), st.floats(-20, 40), st.floats(100, 320), st.floats(100, 360)
)


@given(
    st.lists(
        st.builds(Keyframe, st.integers(0, 90), fitting, st.sampled_from(Easing)),
        min_size=2,
        max_size=8,
        unique_by=lambda keyframe: keyframe.frame,
    ),
    st.integers(0, 90),
    st.integers(0, 90),
)
def test_near_the_edge_every_clamp_is_found_on_curves_and_none_invented(
    keyframes: list[Keyframe], first: int, length: int
) -> None:
    path = CropPath(tuple(keyframes), Size(640, 360), Size(640, 360))
    frames = range(first, first + length)

    assert path.clamps_within(frames) is any(path.clamped(n) for n in frames)


def test_a_clamp_in_the_bend_of_a_curve_is_found_between_fitting_keyframes() -> None:
    # x leaves early and the width shrinks late, so that the right side bulges out.
    places = ((0, 0, 634), (100, 381, 259), (110, 338, 115))
    keyframes = tuple(
        Keyframe(frame, Rect(x, 0, width, width * 9 / 16), Easing.SMOOTH)
        for frame, x, width in places
    )
    path = CropPath(keyframes, Size(640, 360), Size(640, 360))

    assert not any(path.clamped(each.frame) for each in keyframes)
    assert path.clamps_within(range(111))
    assert not path.clamps_within(range(8))
    assert path.clamps_within(range(9))


def test_a_curve_along_the_edge_over_a_year_of_frames_clamps_nothing() -> None:
    far = 365 * 24 * 3600 * 60
    widths = {0: 640, far // 3: 540, far // 2: 380, far: 320}
    keyframes = tuple(
        Keyframe(frame, Rect(640 - width, 0, width, width * 9 / 16), Easing.SMOOTH)
        for frame, width in widths.items()
    )
    path = CropPath(keyframes, Size(640, 360), Size(640, 360))

    assert not path.clamps_within(range(far + 1))


@given(
    lists_of(st.sampled_from(Easing)),
    st.integers(0, 400),
    st.integers(0, 60),
    st.sampled_from((HD, PORTRAIT, Size(640, 640))),
    st.sampled_from((PORTRAIT, HD, Size(500, 500))),
)
def test_looking_at_ends_and_into_curves_finds_every_clamp(
    keyframes: list[Keyframe], first: int, length: int, frame: Size, output: Size
) -> None:
    path = CropPath(tuple(keyframes), frame, output)
    frames = range(first, first + length)

    assert path.clamps_within(frames) is any(path.clamped(n) for n in frames)
