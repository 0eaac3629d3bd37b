"""The table of cases: what a plan shows, keeps, warns of and refuses."""

from fractions import Fraction

import pytest

from shared.errors import JobFailed
from shared.render.cropping import Rect, Size, centred
from shared.render.effects import Effect
from shared.render.keyframes import DuplicateKeyframe, Keyframe
from shared.render.plan import Footage, Plan, plan_framing, plan_overlay
from shared.render.regions import Region

HD = Size(1920, 1080)
PORTRAIT = Size(1080, 1920)
INSIDE = Rect(100, 0, 607.5, 1080)
FOOTAGE = Footage(HD, Fraction(25), 100, Fraction(4))


def framing(*keyframes: Keyframe, **trim: float) -> Plan:
    return plan_framing(FOOTAGE, PORTRAIT, keyframes, **trim)


def overlay(*regions: Region, keyframes: tuple[Keyframe, ...] = ()) -> Plan:
    return plan_overlay(FOOTAGE, PORTRAIT, keyframes, regions, Effect.BLUR)


def spot(start: int, end: int, x: float = 500, y: float = 500) -> Region:
    return Region(start, end, x, y, 50, 40)


def codes(plan: Plan) -> list[str]:
    return [remark.code for remark in plan.remarks]


def test_d126_without_keyframes_both_kinds_show_the_middle_and_framing_says_so() -> None:
    framed, overlaid = framing(), overlay()

    assert {framed.rect(n) for n in (0, 50, 99)} == {centred(HD, PORTRAIT)}
    assert {overlaid.rect(n) for n in (0, 50, 99)} == {centred(HD, PORTRAIT)}
    assert codes(framed) == ["crop_defaulted"]
    assert codes(overlaid) == []


def test_d125_equal_keyframes_are_merged_and_different_ones_refused() -> None:
    assert codes(framing(Keyframe(3, INSIDE), Keyframe(3, INSIDE))) == []
    with pytest.raises(DuplicateKeyframe):
        framing(Keyframe(3, INSIDE), Keyframe(3, Rect(0, 0, 607.5, 1080)))


def test_d125_unsorted_keyframes_are_sorted() -> None:
    a, b = Keyframe(0, INSIDE), Keyframe(30, Rect(700, 0, 607.5, 1080))

    assert framing(b, a).rect(10) == framing(a, b).rect(10)


def test_d125_a_keyframe_after_the_last_frame_shapes_the_crop_and_is_mentioned() -> None:
    plan = framing(Keyframe(0, INSIDE), Keyframe(100, Rect(700, 0, 607.5, 1080)))

    assert plan.rect(50).x == pytest.approx(400)
    assert codes(plan) == ["keyframe_out_of_range"]
    assert "on 100." in plan.remarks[0].message


def test_d125_a_keyframe_on_the_last_frame_or_outside_the_trim_is_ordinary() -> None:
    plan = framing(
        Keyframe(0, INSIDE), Keyframe(99, Rect(1090, 0, 607.5, 1080)), start_s=1.0, end_s=2.0
    )

    assert plan.frames == range(25, 50)
    assert plan.rect(25).x == pytest.approx(350)
    assert codes(plan) == []


@pytest.mark.parametrize(
    "rect",
    [
        Rect(-50, 0, 607.5, 1080),
        Rect(1800, 0, 607.5, 1080),
        Rect(-5000, -5000, 607.5, 1080),
        Rect(500, 40, 1000, 1000),
    ],
)
def test_d125_a_rectangle_outside_the_frame_is_clamped_and_mentioned(rect: Rect) -> None:
    assert codes(framing(Keyframe(0, rect))) == ["crop_clamped"]
    assert codes(overlay(keyframes=(Keyframe(0, rect),))) == ["crop_clamped"]


def test_d125_a_rectangle_that_only_grew_is_not_clamped() -> None:
    assert codes(framing(Keyframe(0, Rect(800, 340, 400, 400)))) == []


def test_a_clamp_outside_the_trim_is_not_mentioned() -> None:
    outside = Keyframe(90, Rect(-300, 0, 607.5, 1080))
    keyframes = (Keyframe(0, INSIDE), Keyframe(60, INSIDE), outside)

    assert codes(framing(*keyframes, end_s=2.0)) == []
    assert codes(framing(*keyframes)) == ["crop_clamped"]


def test_d125_a_region_wholly_after_the_end_is_left_out_and_mentioned() -> None:
    plan = overlay(spot(99, 200), spot(100, 200))

    assert plan.highlights == (spot(99, 200),)
    assert codes(plan) == ["region_out_of_range"]
    assert "1, counted from 0" in plan.remarks[0].message


def test_d125_a_region_wholly_outside_the_frame_is_left_out_and_mentioned() -> None:
    plan = overlay(spot(0, 10, x=-50), spot(0, 10, x=-49))

    assert plan.highlights == (spot(0, 10, x=-49),)
    assert codes(plan) == ["region_out_of_range"]


def test_d125_a_region_that_ends_after_the_end_is_cut_there_in_silence() -> None:
    plan = overlay(spot(90, 1000))

    assert [n for n in plan.frames if plan.regions(n)] == list(range(90, 100))
    assert codes(plan) == []


def test_d129_regions_are_active_half_open_and_keep_their_order() -> None:
    first, second = spot(10, 12), spot(11, 20)
    plan = overlay(first, second)

    assert [plan.regions(n) for n in (9, 10, 11, 12, 19, 20)] == [
        (),
        (first,),
        (first, second),
        (second,),
        (second,),
        (),
    ]


def test_with_effect_none_no_region_is_drawn() -> None:
    plan = plan_overlay(FOOTAGE, PORTRAIT, (), (spot(0, 100),), Effect.NONE)

    assert plan.regions(50) == ()


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(4.0, None), (4.5, 9.0), (3.99, None), (1.001, 1.002)]
)
def test_d125_a_range_without_a_frame_is_an_invalid_range(
    start_s: float, end_s: float | None
) -> None:
    with pytest.raises(JobFailed) as caught:
        plan_framing(FOOTAGE, PORTRAIT, (), start_s=start_s, end_s=end_s)
    assert caught.value.what == "invalid_range"


def test_d125_an_end_after_the_end_is_cut_there_and_mentioned() -> None:
    plan = framing(Keyframe(0, INSIDE), start_s=3.0, end_s=4.5)

    assert plan.frames == range(75, 100)
    assert codes(plan) == ["end_time_clamped"]
    assert "4.5 s" in plan.remarks[0].message


def test_an_end_at_the_end_is_ordinary() -> None:
    plan = framing(Keyframe(0, INSIDE), end_s=4.0)

    assert plan.frames == range(100)
    assert plan.whole
    assert codes(plan) == []


def test_an_end_that_only_floats_put_past_the_end_is_ordinary() -> None:
    footage = Footage(HD, Fraction(30), 9, Fraction(3, 10))

    plan = plan_framing(footage, PORTRAIT, [Keyframe(0, INSIDE)], end_s=0.1 + 0.2)

    assert codes(plan) == []


def test_d129_frame_numbers_do_not_restart_at_the_trim() -> None:
    pan = (Keyframe(0, INSIDE), Keyframe(99, Rect(1090, 0, 607.5, 1080)))

    whole, part = framing(*pan), framing(*pan, start_s=1.0, end_s=2.0)

    assert [part.rect(n) for n in part.frames] == [whole.rect(n) for n in range(25, 50)]
    assert not part.whole


def test_d134_sound_is_cut_at_the_instants_of_the_kept_frames() -> None:
    footage = Footage(HD, Fraction(30000, 1001), 300, Fraction(1001, 100))

    plan = plan_framing(footage, PORTRAIT, (), start_s=1.0, end_s=2.0)

    assert plan.frames == range(30, 60)
    assert plan.starts_at == Fraction(30 * 1001, 30000)
    assert plan.ends_at == Fraction(60 * 1001, 30000)


def test_many_stray_numbers_are_mentioned_in_brief() -> None:
    plan = overlay(*(spot(n, n + 1) for n in range(100, 600)))

    assert "0, 1, 2, 3, 4 and 495 more" in plan.remarks[0].message
    assert len(plan.remarks[0].message) <= 500


@pytest.mark.parametrize(("frames", "rate"), [(0, 25), (10, 0)])
def test_footage_without_frames_or_rate_is_refused(frames: int, rate: int) -> None:
    with pytest.raises(ValueError, match="no footage"):
        Footage(HD, Fraction(rate), frames, Fraction(1))
