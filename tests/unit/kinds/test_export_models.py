"""What the export kinds take: limits at the edge, rules by their codes, nothing coerced."""

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.artifacts import references_in
from shared.errors import ValidationFailed
from shared.kinds.export import framing, overlay
from shared.render.cropping import Rect, Size, centred
from shared.render.effects import Effect
from shared.render.keyframes import Keyframe
from shared.render.plan import Footage

KEYFRAME = {"frame": 0, "x": 0, "y": 0, "width": 607.5, "height": 1080}
REGION = {"start_frame": 0, "end_frame": 10, "x": 5, "y": 5, "radius_x": 4, "radius_y": 4}
KINDS = pytest.mark.parametrize("kind", [framing.KIND, overlay.KIND], ids=lambda k: k.name)


def order(**fields: Any) -> dict[str, Any]:
    return {"source": {"asset_id": "a1"}, "crop_keyframes": [], **fields}


def refusal_of(kind: Any, raw: Any) -> ValidationFailed:
    with pytest.raises(ValidationFailed) as caught:
        kind.parse_input(raw)
    return caught.value


def fields_of(refused: ValidationFailed) -> list[str]:
    return [error.field for error in refused.errors]


@KINDS
def test_the_least_order_gets_the_documented_defaults(kind: Any) -> None:
    taken = kind.parse_input(order())

    assert taken.output_size == Size(1080, 1920)
    assert [named.name for named in references_in(taken)] == ["source"]


def test_overlay_defaults_to_a_blur_of_nothing() -> None:
    taken = overlay.KIND.parse_input({"source": {"asset_id": "a1"}})

    assert taken.effect_type is Effect.BLUR
    assert taken.highlight_regions == ()
    assert taken.crop_keyframes is None


def test_framing_must_say_what_it_crops_even_if_nothing() -> None:
    assert fields_of(refusal_of(framing.KIND, {"source": {"asset_id": "a1"}})) == [
        "input.crop_keyframes"
    ]


@pytest.mark.parametrize("keyframes", [None, []])
@KINDS
def test_d126_null_and_empty_keyframes_mean_the_same_crop(kind: Any, keyframes: Any) -> None:
    footage = Footage(Size(1920, 1080), Fraction(25), 10, Fraction(2, 5))

    plan = kind.parse_input(order(crop_keyframes=keyframes)).plan(footage)

    assert plan.rect(3) == centred(Size(1920, 1080), Size(1080, 1920))


def test_keyframes_come_out_sorted_and_merged() -> None:
    late = {**KEYFRAME, "frame": 30}

    taken = framing.KIND.parse_input(order(crop_keyframes=[late, KEYFRAME, late]))

    assert [each.frame for each in taken.crop_keyframes] == [0, 30]
    assert taken.crop_keyframes[1].plain() == Keyframe(30, Rect(0, 0, 607.5, 1080))


@KINDS
def test_d125_different_keyframes_on_one_frame_name_the_frame(kind: Any) -> None:
    other = {**KEYFRAME, "frame": 7}

    refused = refusal_of(
        kind, order(crop_keyframes=[{**other, "x": 1}, KEYFRAME, {**other, "x": 2}])
    )

    assert refused.what == "duplicate_keyframe"
    assert fields_of(refused) == ["input.crop_keyframes.2.frame"]
    assert "frame 7 " in refused.errors[0].message


NOT_FINITE = st.sampled_from([float("nan"), float("inf"), float("-inf")])
NO_NUMBER = st.one_of(st.text(), st.booleans(), st.none(), st.just([]), st.just({}))
NOT_WHOLE = st.floats(0, 1e6).filter(lambda value: not value.is_integer())
OUT_OF_PLACE = st.one_of(
    st.floats(min_value=100_000, exclude_min=True, allow_infinity=False),
    st.floats(max_value=-100_000, exclude_max=True, allow_infinity=False),
)
BAD_FRAME = st.one_of(NOT_FINITE, NO_NUMBER, NOT_WHOLE, st.integers(max_value=-1))
BAD_PLACE = st.one_of(NOT_FINITE, NO_NUMBER, OUT_OF_PLACE)
BAD_SIDE = st.one_of(BAD_PLACE, st.floats(max_value=16, exclude_max=True))
BAD_RADIUS = st.one_of(BAD_PLACE, st.floats(max_value=0))
BAD_OPACITY = st.one_of(
    NOT_FINITE,
    NO_NUMBER,
    st.floats(max_value=0, exclude_max=True),
    st.floats(min_value=1, exclude_min=True),
)
BAD_COLOR = st.one_of(
    st.sampled_from(["red", "#fff", "#12345g", "ffffff", "#ffffff00", "#ffffff\n", ""]),
    st.integers(),
    st.none(),
)
BAD_REGION = st.one_of(
    st.tuples(st.sampled_from(["start_frame", "end_frame"]), BAD_FRAME),
    st.tuples(st.sampled_from(["x", "y"]), BAD_PLACE),
    st.tuples(st.sampled_from(["radius_x", "radius_y"]), BAD_RADIUS),
    st.tuples(st.just("opacity"), BAD_OPACITY),
    st.tuples(st.just("color"), BAD_COLOR),
    st.tuples(st.just("unheard_of"), st.just(1)),
)
BAD_KEYFRAME = st.one_of(
    st.tuples(st.just("frame"), BAD_FRAME),
    st.tuples(st.sampled_from(["x", "y"]), BAD_PLACE),
    st.tuples(st.sampled_from(["width", "height"]), BAD_SIDE),
    st.tuples(st.just("unheard_of"), st.just(1)),
)


@given(BAD_KEYFRAME)
def test_d121_a_bad_keyframe_is_refused_by_its_field(bad: tuple[str, Any]) -> None:
    field, value = bad

    refused = refusal_of(
        framing.KIND, order(crop_keyframes=[KEYFRAME, {**KEYFRAME, "frame": 9, field: value}])
    )

    assert fields_of(refused) == [f"input.crop_keyframes.1.{field}"]
    assert refused.what == "validation_failed"


@given(BAD_REGION)
def test_d121_a_bad_region_is_refused_by_its_field(bad: tuple[str, Any]) -> None:
    field, value = bad

    refused = refusal_of(overlay.KIND, order(highlight_regions=[{**REGION, field: value}]))

    assert fields_of(refused) == [f"input.highlight_regions.0.{field}"]


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_d121_a_region_must_end_after_its_start(start: int, shorter: int) -> None:
    region = {**REGION, "start_frame": start, "end_frame": max(0, start - shorter)}

    refused = refusal_of(overlay.KIND, order(highlight_regions=[region]))

    assert refused.what == "invalid_range"
    assert fields_of(refused) == ["input.highlight_regions.0.end_frame"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("field", ["frame", "x", "y", "width", "height"])
def test_d121_a_number_that_is_none_is_refused_in_raw_json(number: str, field: str) -> None:
    raw = json.dumps(order(crop_keyframes=[{**KEYFRAME, field: "@"}])).replace('"@"', number)

    refused = refusal_of(framing.KIND, json.loads(raw))

    assert fields_of(refused) == [f"input.crop_keyframes.0.{field}"]


@pytest.mark.parametrize(
    ("kind", "field", "item", "most"),
    [
        (framing.KIND, "crop_keyframes", KEYFRAME, 10_000),
        (overlay.KIND, "highlight_regions", REGION, 500),
    ],
)
def test_d121_lists_are_bounded(kind: Any, field: str, item: Any, most: int) -> None:
    kind.parse_input(order(**{field: [item] * most}))

    assert fields_of(refusal_of(kind, order(**{field: [item] * (most + 1)}))) == [
        f"input.{field}"
    ]


@given(
    st.one_of(
        st.text().filter(lambda text: text not in set(Effect)),
        st.none(),
        st.integers(),
        st.just(["blur"]),
        st.sampled_from(["sparkle", "BLUR", "Blur", " blur"]),
    )
)
def test_d122_any_effect_but_the_known_ones_is_refused_by_name(effect: Any) -> None:
    refused = refusal_of(overlay.KIND, order(effect_type=effect))

    assert refused.what == "unknown_effect_type"
    assert fields_of(refused) == ["input.effect_type"]


def test_d122_every_known_effect_is_taken() -> None:
    words = ["blur", "dark_overlay", "brightness_boost", "tint", "outline", "none"]

    taken = [overlay.KIND.parse_input(order(effect_type=word)).effect_type for word in words]

    assert taken == list(Effect)


@given(
    st.sampled_from(["output_width", "output_height"]),
    st.one_of(
        st.sampled_from([1081, 0, 100_000, 14, 4098, -2, "1080", True, None, 1080.5]),
        st.integers().filter(lambda side: side % 2 or not 16 <= side <= 4096),
        NOT_FINITE,
    ),
)
def test_d123_an_output_side_no_encoder_takes_is_refused(field: str, side: Any) -> None:
    for kind in (framing.KIND, overlay.KIND):
        assert fields_of(refusal_of(kind, order(**{field: side}))) == [f"input.{field}"]


def test_d123_the_sides_at_the_limits_are_taken() -> None:
    small = framing.KIND.parse_input(order(output_width=16, output_height=16.0))
    large = framing.KIND.parse_input(order(output_width=4096, output_height=2160))

    assert small.output_size == Size(16, 16)
    assert large.output_size == Size(4096, 2160)


def test_d123_an_output_of_too_many_pixels_is_refused() -> None:
    refused = refusal_of(framing.KIND, order(output_width=4096, output_height=2162))

    assert refused.what == "validation_failed"
    assert fields_of(refused) == ["input.output_width"]


@pytest.mark.parametrize(
    ("start", "end"), [(2.0, 2.0), (2.0, 1.0), (None, 0.0), (0, 0), (1e300, 5)]
)
def test_a_trim_must_end_after_its_start(start: float | None, end: float) -> None:
    refused = refusal_of(framing.KIND, order(start_time=start, end_time=end))

    assert refused.what == "invalid_range"
    assert fields_of(refused) == ["input.end_time"]


@given(
    st.sampled_from(["start_time", "end_time"]),
    st.one_of(NOT_FINITE, st.text(), st.booleans(), st.floats(max_value=0, exclude_max=True)),
)
def test_d121_a_time_that_is_no_time_is_refused(field: str, time: Any) -> None:
    assert fields_of(refusal_of(framing.KIND, order(**{field: time}))) == [f"input.{field}"]


def test_a_trim_is_for_framing_alone() -> None:
    assert fields_of(refusal_of(overlay.KIND, order(start_time=1.0))) == ["input.start_time"]


@KINDS
def test_an_unknown_field_is_refused(kind: Any) -> None:
    assert fields_of(refusal_of(kind, order(zoom=2))) == ["input.zoom"]


@KINDS
def test_a_checked_input_survives_its_own_json(kind: Any) -> None:
    taken = kind.parse_input(order(crop_keyframes=[{**KEYFRAME, "frame": 9.0}, KEYFRAME]))

    again = kind.parse_input(json.loads(taken.model_dump_json()))

    assert again == taken


def test_a_colour_is_read_as_red_green_blue() -> None:
    taken = overlay.KIND.parse_input(order(highlight_regions=[{**REGION, "color": "#Ff8000"}]))

    assert taken.highlight_regions[0].plain().color == (255, 128, 0)


@KINDS
def test_the_schema_states_each_bound(kind: Any) -> None:
    schema = kind.input.model_json_schema()
    keyframe = schema["$defs"]["EasedKeyframe"]["properties"]

    assert keyframe["frame"]["minimum"] == 0
    assert (keyframe["width"]["minimum"], keyframe["width"]["maximum"]) == (16, 100_000)
    assert schema["properties"]["output_width"]["multipleOf"] == 2
    assert schema["properties"]["output_width"]["maximum"] == 4096


@KINDS
def test_the_plan_carries_what_was_asked(kind: Any) -> None:
    footage = Footage(Size(1920, 1080), Fraction(25), 100, Fraction(4))
    taken = kind.parse_input(
        order(crop_keyframes=[KEYFRAME], output_width=540, output_height=960)
    )

    plan = taken.plan(footage)

    assert plan.output == Size(540, 960)
    assert plan.rect(0) == Rect(0, 0, 607.5, 1080)
    assert plan.frames == range(100)


def test_the_plan_of_an_overlay_has_its_regions_and_that_of_framing_its_trim() -> None:
    footage = Footage(Size(1920, 1080), Fraction(25), 100, Fraction(4))

    overlaid = overlay.KIND.parse_input(order(highlight_regions=[REGION], effect_type="tint"))
    framed = framing.KIND.parse_input(order(start_time=1, end_time=2))

    assert overlaid.plan(footage).effect is Effect.TINT
    assert len(overlaid.plan(footage).regions(9)) == 1
    assert framed.plan(footage).frames == range(25, 50)


@pytest.mark.parametrize("name", ["crop_keyframes", "highlight_regions"])
def test_of_many_that_are_wrong_the_first_is_told(name: str) -> None:
    refused = refusal_of(overlay.KIND, order(**{name: [{}] * 1000}))
    assert {field.rpartition(".")[0] for field in fields_of(refused)} == {f"input.{name}.0"}


@KINDS
def test_a_fault_is_told_in_our_own_words(kind: Any) -> None:
    refused = refusal_of(kind, order(source={}))
    (error,) = refused.errors
    assert (error.field, error.message) == (
        "input.source",
        "give either asset_id, or job_id with output",
    )
