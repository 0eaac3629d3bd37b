"""`POST /v1/preview/plan`: a page sees what its export would render, and nothing happens."""

import json

import pytest

from gateway.api.openapi.examples import PREVIEW, PREVIEW_REQUEST
from gateway.api.preview import DRAWN_MAX, FRAMES_MAX
from gateway.services.preview_plan import FootageAsked
from shared.kinds import load_kinds
from tests.support.jobs import STORES
from tests.support.world import a_world, calling

FOOTAGE = {"width_px": 1920, "height_px": 1080, "rate": "30000/1001", "frames": 300}
PROBE = {**FOOTAGE, "duration_s": 10.01, "video_codec": "h264", "has_audio": False}
LEFT = {"frame": 0, "x": 100, "y": 0, "width": 607.5, "height": 1080, "easing": "smooth"}
RIGHT = {**LEFT, "frame": 250, "x": 700}
ELLIPSE = {"frame": 0, "x": 400, "y": 300, "radius_x": 90, "radius_y": 60}
REGION = {
    "start_frame": 10,
    "end_frame": 20,
    "feather": 8,
    "color": "#ff8000",
    "keyframes": [ELLIPSE, {**ELLIPSE, "frame": 20, "x": 800, "opacity": 0.5}],
}


@pytest.fixture
async def world(tmp_path):
    async with a_world(STORES["memory"], tmp_path, offered=load_kinds()) as world:
        yield world


@pytest.fixture
async def http(world):
    async with calling(world, await world.a_key()) as client:
        yield client


def asked(kind="export.overlay", *, footage=FOOTAGE, **fields):
    look = {"crop_keyframes": [LEFT, RIGHT], **fields.pop("input", {})}
    body = {"kind": kind, "input": look, "footage": footage, **fields}
    return {name: value for name, value in body.items() if value is not None}


async def preview(http, body):
    answer = await http.post("/v1/preview/plan", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(http, body):
    answer = await http.post("/v1/preview/plan", json=body)
    problem = answer.json()
    return answer.status_code, problem["code"], [each["field"] for each in problem["errors"]]


async def test_the_documented_example_is_what_is_answered(http):
    assert await preview(http, PREVIEW_REQUEST) == PREVIEW


async def test_every_number_is_exactly_that_of_the_worker_s_plan(http):
    look = {"highlight_regions": [REGION], "crop_keyframes": [LEFT, RIGHT]}
    kind = load_kinds()["export.overlay"]
    order = kind.parse_input({"source": {"asset_id": "a"}, **look})

    told = await preview(http, asked(input=look))

    plan = order.plan(FootageAsked(**FOOTAGE).plain())
    rects = [(r.x, r.y, r.width, r.height) for r in map(plan.rect, range(300))]
    assert [tuple(each["rect"]) for each in told["frames"]] == rects
    ellipses = [[(e.x, e.radius_x, e.opacity) for e in plan.regions(n)] for n in range(300)]
    assert [
        [(e["x"], e["radius_x"], e["opacity"]) for e in each["regions"]]
        for each in told["frames"]
    ] == ellipses


async def test_a_region_is_at_its_place_on_its_frames(http):
    told = await preview(
        http, asked(input={"highlight_regions": [REGION]}, **{"from": 9, "to": 21})
    )

    assert [len(each["regions"]) for each in told["frames"]] == [0, *[1] * 10, 0]
    assert told["frames"][1]["regions"] == [
        {
            "x": 600.0,
            "y": 300.0,
            "radius_x": 90.0,
            "radius_y": 60.0,
            "edge_px": 8.0,
            "opacity": 0.75,
            "color": "#ff8000",
        }
    ]


async def test_a_layer_is_placed_on_the_output_and_fades(http):
    text = {"type": "text", "text": "Goal", "anchor": "bottom", "end_frame": 4, "fade_out": 2}

    told = await preview(http, asked(input={"layers": [text]}, to=5))

    assert [[e["opacity"] for e in each["layers"]] for each in told["frames"]] == [
        [1.0],
        [1.0],
        [0.75],
        [0.25],
        [],
    ]
    layer = told["frames"][0]["layers"][0]
    assert (layer["index"], layer["anchor"], layer["x"], layer["width"]) == (
        0,
        "bottom",
        540.0,
        None,
    )


async def test_after_a_trim_frames_count_on_the_input_s_timeline(http):
    body = asked("export.framing", input={"start_time": 2, "end_time": 3})

    told = await preview(http, body)

    frames = [(each["frame"], each["output_frame"]) for each in told["frames"]]
    assert told["kept"] == {"from": 60, "to": 90}
    assert frames == [(60 + n, n) for n in range(30)]
    assert told["audio"] == {"start_s": 60 * 1001 / 30000, "end_s": 90 * 1001 / 30000}


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ({}, range(60, 90)),
        ({"from": 0, "to": 65}, range(60, 65)),
        ({"from": 0, "step": 50}, []),
        ({"from": 5, "step": 20}, [65, 85]),
        ({"from": 70, "step": 7}, [70, 77, 84]),
        ({"from": 89, "to": 5000}, [89]),
        ({"from": 90}, []),
        ({"to": 60}, []),
    ],
)
async def test_only_kept_frames_are_shown_in_steps_from_where_they_were_asked_from(
    http, wanted, shown
):
    body = asked("export.framing", input={"start_time": 2, "end_time": 3}, **wanted)

    told = await preview(http, body)

    assert [each["frame"] for each in told["frames"]] == [*shown]
    assert told["next_from"] is None


async def test_of_a_still_its_one_frame_is_shown(http):
    told = await preview(http, asked("export.frame", input={"time": 2.0}))
    late = await refused(http, asked("export.frame", input={"frame": 300}))

    assert (told["kept"], told["audio"]) == ({"from": 59, "to": 60}, None)
    assert [(each["frame"], each["output_frame"]) for each in told["frames"]] == [(59, 0)]
    assert late == (422, "invalid_range", ["input.frame"])


async def test_what_a_job_would_warn_of_is_said(http):
    look = {
        "crop_keyframes": [{**LEFT, "x": 1800}, {**LEFT, "frame": 400}],
        "highlight_regions": [{**REGION, "start_frame": 900, "end_frame": 901}],
    }

    told = await preview(http, asked(input=look))

    assert [each["code"] for each in told["warnings"]] == [
        "keyframe_out_of_range",
        "crop_clamped",
        "region_out_of_range",
    ]


async def test_a_long_plan_comes_in_pages_that_follow_each_other(http):
    long = {**FOOTAGE, "frames": 2 * FRAMES_MAX + 5}
    seen, start = [], 0
    while start is not None:
        told = await preview(http, asked(footage=long, **{"from": start, "step": 2}))
        seen += [each["frame"] for each in told["frames"]]
        start = told["next_from"]

    assert seen == [*range(0, 2 * FRAMES_MAX + 5, 2)]


async def test_a_page_of_many_regions_has_fewer_frames(http):
    still = {"start_frame": 0, "end_frame": 300, "x": 9, "y": 9, "radius_x": 4, "radius_y": 4}

    told = await preview(http, asked(input={"highlight_regions": [still] * 500}))

    assert len(told["frames"]) == DRAWN_MAX // 500
    assert told["next_from"] == DRAWN_MAX // 500


async def test_a_probed_asset_needs_no_footage(world, http):
    asset_id = await world.an_asset()
    await world.assets.record_probe(asset_id, "0" * 64, PROBE)

    told = await preview(http, asked(footage=None, input={"source": {"asset_id": asset_id}}))

    assert told["footage"] == {**FOOTAGE, "duration_s": 10.01}
    assert len(told["frames"]) == 300


@pytest.mark.parametrize("probe", [None, {"family": "image", "width_px": 4, "height_px": 4}])
async def test_an_asset_whose_frames_nobody_knows_needs_footage(world, http, probe):
    asset_id = await world.an_asset()
    if probe is not None:
        await world.assets.record_probe(asset_id, "0" * 64, probe)
    source = {"source": {"asset_id": asset_id}}

    assert await refused(http, asked(footage=None, input=source)) == (409, "not_probed", [])
    assert (await preview(http, asked(input=source)))["footage"]["frames"] == 300


async def test_another_tenant_s_asset_is_none(world, http):
    asset_id = await world.an_asset("acme")
    await world.assets.record_probe(asset_id, "0" * 64, PROBE)

    body = asked(footage=None, input={"source": {"asset_id": asset_id}})

    assert await refused(http, body) == (404, "asset_not_found", [])


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (asked("test.nothing"), "unknown_kind", "kind"),
        (asked("media.ingest", input={"crop_keyframes": None}), "validation_failed", None),
        (asked(footage=None), "validation_failed", "input.source"),
        (asked(**{"from": 5, "to": 5}), "invalid_range", "to"),
        (asked(step=0), "validation_failed", "step"),
        (
            asked("export.framing", input={"start_time": 11}),
            "invalid_range",
            "input.start_time",
        ),
        (
            asked(input={"crop_keyframes": [{**LEFT, "easing": "bounce"}]}),
            "unknown_easing",
            "input.crop_keyframes.0.easing",
        ),
        (asked(input={"effect_type": "sparkle"}), "unknown_effect_type", "input.effect_type"),
        (asked(footage={**FOOTAGE, "rate": "29.97"}), "validation_failed", "footage.rate"),
        (asked(footage={**FOOTAGE, "frames": 0}), "validation_failed", "footage.frames"),
    ],
)
async def test_what_cannot_be_planned_is_refused_by_its_field(http, body, code, field):
    status, told, fields = await refused(http, body)

    assert (status, told) == (422, code)
    assert field is None or fields == [field]


async def test_a_preview_needs_the_scope_that_submitting_needs(world):
    async with calling(world, await world.a_key("default", "read")) as reader:
        answer = await reader.post("/v1/preview/plan", json=asked())

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_numbers_come_with_all_their_digits(http):
    odd = {**LEFT, "x": 0.1 + 0.2, "easing": "hold"}

    answer = await http.post(
        "/v1/preview/plan", json=asked(input={"crop_keyframes": [odd]}, to=1)
    )

    rect = json.loads(answer.text)["frames"][0]["rect"]
    assert rect[0] == 0.1 + 0.2
