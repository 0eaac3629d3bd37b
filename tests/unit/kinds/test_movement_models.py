"""Easings, feathers and moving regions: what `/v1` takes, and the export surface does not."""

from fractions import Fraction
from typing import Any

import pytest

from gateway.api.products.exports.models import FramingAsked, OverlayAsked
from gateway.core.idempotency import request_hash
from shared.errors import ValidationFailed
from shared.kinds.export import framing, overlay
from shared.movement_models import MAX_REGION_KEYFRAMES
from shared.render.cropping import Rect, Size
from shared.render.keyframes import Keyframe, RegionKeyframe
from shared.render.movement import Easing
from shared.render.plan import Footage
from shared.render.regions import MovingRegion, Region

KEYFRAME = {"frame": 0, "x": 0, "y": 0, "width": 607.5, "height": 1080}
REGION = {"start_frame": 0, "end_frame": 10, "x": 5, "y": 5, "radius_x": 4, "radius_y": 4}
SPAN = {"start_frame": 0, "end_frame": 10}
ELLIPSE = {"frame": 2, "x": 5, "y": 6, "radius_x": 7, "radius_y": 8}
KINDS = pytest.mark.parametrize("kind", [framing.KIND, overlay.KIND], ids=lambda k: k.name)


def order(**fields: Any) -> dict[str, Any]:
    return {"source": {"asset_id": "a1"}, "crop_keyframes": [], **fields}


def refusal_of(kind: Any, raw: Any) -> tuple[str, list[str]]:
    with pytest.raises(ValidationFailed) as caught:
        kind.parse_input(raw)
    return caught.value.what, [error.field for error in caught.value.errors]


def region_of(raw: dict[str, Any]) -> Region | MovingRegion:
    taken = overlay.KIND.parse_input(order(highlight_regions=[raw]))
    return taken.highlight_regions[0].plain()


@KINDS
def test_a_keyframe_says_how_it_moves_on_and_without_that_straight(kind: Any) -> None:
    eased = [KEYFRAME, {**KEYFRAME, "frame": 9, "easing": "smooth"}]

    taken = kind.parse_input(order(crop_keyframes=eased))

    assert [each.plain() for each in taken.crop_keyframes] == [
        Keyframe(0, Rect(0, 0, 607.5, 1080), Easing.LINEAR),
        Keyframe(9, Rect(0, 0, 607.5, 1080), Easing.SMOOTH),
    ]


@pytest.mark.parametrize("easing", ["", "ease-in", "LINEAR", None, 1, True, ["hold"], {}])
@KINDS
def test_an_unknown_easing_is_refused_by_its_code_and_keyframe(kind: Any, easing: Any) -> None:
    keyframes = [{**KEYFRAME, "frame": n} for n in range(4)]
    keyframes[3]["easing"] = easing

    assert refusal_of(kind, order(crop_keyframes=keyframes)) == (
        "unknown_easing",
        ["input.crop_keyframes.3.easing"],
    )


def test_a_region_at_rest_is_what_it_was_and_may_have_a_feather() -> None:
    assert region_of(REGION) == Region(0, 10, 5, 5, 4, 4)
    assert region_of({**REGION, "feather": 0.5}) == Region(0, 10, 5, 5, 4, 4)
    assert region_of({**REGION, "feather": 24}) == Region(0, 10, 5, 5, 4, 4, edge_px=24)


def test_a_moving_region_has_its_keyframes_in_order_and_its_own_opacity_where_none() -> None:
    later = {**ELLIPSE, "frame": 8, "opacity": 0.25, "easing": "hold"}

    region = region_of({**SPAN, "opacity": 0.75, "keyframes": [later, ELLIPSE, ELLIPSE]})

    assert region == MovingRegion(
        0,
        10,
        (
            RegionKeyframe(2, 5, 6, 7, 8, 0.75),
            RegionKeyframe(8, 5, 6, 7, 8, 0.25, Easing.HOLD),
        ),
    )


@pytest.mark.parametrize("name", ["x", "y", "radius_x", "radius_y"])
def test_a_region_has_a_place_or_keyframes_and_not_both_nor_neither(name: str) -> None:
    without = {each: value for each, value in REGION.items() if each != name}
    both = {**SPAN, "keyframes": [ELLIPSE], name: 5}

    refused = [
        refusal_of(overlay.KIND, order(highlight_regions=[each])) for each in (without, both)
    ]

    assert refused == [("validation_failed", [f"input.highlight_regions.0.{name}"])] * 2


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"frame": -1}, "validation_failed", "frame"),
        ({"frame": 1.5}, "validation_failed", "frame"),
        ({"x": 100_001}, "validation_failed", "x"),
        ({"radius_x": 0}, "validation_failed", "radius_x"),
        ({"opacity": 1.1}, "validation_failed", "opacity"),
        ({"easing": "bounce"}, "unknown_easing", "easing"),
        ({"speed": 1}, "validation_failed", "speed"),
    ],
)
def test_each_number_of_an_ellipse_s_keyframe_is_bounded(
    wrong: dict[str, Any], code: str, field: str
) -> None:
    region = {**SPAN, "keyframes": [{**ELLIPSE, **wrong}]}

    assert refusal_of(overlay.KIND, order(highlight_regions=[region])) == (
        code,
        [f"input.highlight_regions.0.keyframes.0.{field}"],
    )


def test_two_places_on_one_frame_are_refused_by_the_later() -> None:
    region = {**SPAN, "keyframes": [ELLIPSE, {**ELLIPSE, "frame": 5}, {**ELLIPSE, "x": 9}]}

    assert refusal_of(overlay.KIND, order(highlight_regions=[REGION, region])) == (
        "duplicate_keyframe",
        ["input.highlight_regions.1.keyframes.2.frame"],
    )


def test_all_regions_together_have_so_many_keyframes_and_no_more() -> None:
    half = [{**ELLIPSE, "frame": n} for n in range(MAX_REGION_KEYFRAMES // 2)]
    regions = [{**SPAN, "keyframes": half}, {**SPAN, "keyframes": half}]

    taken = overlay.KIND.parse_input(order(highlight_regions=regions))
    refused = refusal_of(
        overlay.KIND, order(highlight_regions=[*regions, {**SPAN, "keyframes": [ELLIPSE]}])
    )

    assert len(taken.highlight_regions) == 2
    assert refused == ("validation_failed", ["input.highlight_regions.2.keyframes"])


@pytest.mark.parametrize(
    ("kind", "fields", "earlier"),
    [
        (
            framing.KIND,
            {"crop_keyframes": [KEYFRAME], "start_time": 1},
            "90d4b74b6578b2f496ac60c4ff777bbf832dbe874fcbf4615de63cf53e2d4d7f",
        ),
        (
            overlay.KIND,
            {
                "crop_keyframes": [KEYFRAME],
                "highlight_regions": [REGION],
                "effect_type": "tint",
            },
            "fc09584c2ec1fe3cbb22f25e80a66b921f4c8a1c5452ae6cd36b8e636d7fde39",
        ),
    ],
    ids=["framing", "overlay"],
)
def test_an_order_without_movement_has_the_hash_it_had_before_there_was_any(
    kind: Any, fields: dict[str, Any], earlier: str
) -> None:
    taken = kind.parse_input(order(**fields))

    assert request_hash(taken.model_dump(mode="json")) == earlier


def test_what_is_written_down_is_read_as_the_same_order() -> None:
    region = {**SPAN, "feather": 3, "keyframes": [{**ELLIPSE, "easing": "smooth"}]}
    taken = overlay.KIND.parse_input(
        order(
            highlight_regions=[region, REGION], crop_keyframes=[{**KEYFRAME, "easing": "hold"}]
        )
    )

    assert overlay.KIND.parse_input(taken.model_dump(mode="json")) == taken


def test_a_moving_region_is_planned_at_its_place_on_each_frame() -> None:
    footage = Footage(Size(1920, 1080), Fraction(25), 100, Fraction(4))
    keyframes = [ELLIPSE, {**ELLIPSE, "frame": 6, "x": 9}]
    taken = overlay.KIND.parse_input(
        order(highlight_regions=[{**SPAN, "feather": 2, "keyframes": keyframes}])
    )

    plan = taken.plan(footage)

    assert [[each.x for each in plan.regions(n)] for n in (0, 4, 9, 10)] == [[5], [7], [9], []]
    assert plan.regions(4)[0] == Region(0, 10, 7, 6, 7, 8, edge_px=2)
    assert plan.remarks == ()


def test_moving_regions_that_nobody_sees_are_left_out_and_told() -> None:
    footage = Footage(Size(1920, 1080), Fraction(25), 100, Fraction(4))
    away = {**ELLIPSE, "x": -500}
    crossing = [{**away, "frame": 0}, {**away, "frame": 20, "x": 2500, "y": 500}]
    regions = [
        {**SPAN, "keyframes": [away, {**away, "frame": 9, "x": -8}]},
        {"start_frame": 0, "end_frame": 21, "keyframes": crossing},
        {"start_frame": 200, "end_frame": 210, "keyframes": [ELLIPSE]},
    ]
    taken = overlay.KIND.parse_input(order(highlight_regions=regions))

    plan = taken.plan(footage)

    assert [each.code for each in plan.remarks] == ["region_out_of_range"]
    assert "0, 2" in plan.remarks[0].message
    assert len(plan.highlights) == 1


def test_the_export_surface_ignores_what_it_does_not_have_and_says_so() -> None:
    eased = [{**KEYFRAME, "easing": "smooth"}]
    feathered = [{**REGION, "feather": 5, "keyframes": [ELLIPSE]}]

    framed = FramingAsked.model_validate(
        {"project_id": 1, "clip_index": 0, "crop_keyframes": eased}
    )
    overlaid = OverlayAsked.model_validate(
        {"project_id": 1, "highlight_regions": feathered, "crop_keyframes": eased}
    )

    told = [each["message"].split(" ")[0] for each in (*framed.warnings, *overlaid.warnings)]
    assert sorted(told) == [
        "crop_keyframes.0.easing",
        "crop_keyframes.0.easing",
        "highlight_regions.0.feather",
        "highlight_regions.0.keyframes",
    ]
    assert overlaid.highlight_regions[0].plain() == Region(0, 10, 5, 5, 4, 4)


def test_the_schema_tells_a_page_what_easings_there_are() -> None:
    schema = overlay.KIND.input.model_json_schema()

    assert schema["$defs"]["Easing"]["enum"] == ["linear", "hold", "ease_in_out", "smooth"]
    assert schema["$defs"]["EasedKeyframe"]["properties"]["easing"]["default"] == "linear"
    assert schema["$defs"]["MovableRegion"]["properties"]["feather"]["maximum"] == 100_000
