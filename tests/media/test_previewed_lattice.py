"""What a page is told of an eased crop is where the render's dots are found."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from gpu_worker.media.picture.resample import Resampler
from shared.kinds import load_kinds
from shared.render.cropping import Rect
from shared.render.movement import Easing
from shared.render.plan import Footage
from tests.support.jobs import STORES
from tests.support.world import a_world, calling
from tests.unit.media.test_jitter import FRAME, OUTPUT, lattice, places

FRAMES = 24
FOOTAGE = {
    "width_px": FRAME.width_px,
    "height_px": FRAME.height_px,
    "rate": "25/1",
    "frames": FRAMES,
}


def look(easing: Easing) -> dict[str, Any]:
    through = ((0, 100.0, 202.5), (9, 121.3, 190.0), (23, 210.0, 202.5))
    return {
        "output_width": OUTPUT.width_px,
        "output_height": OUTPUT.height_px,
        "crop_keyframes": [
            {
                "frame": frame,
                "x": x,
                "y": 0.25,
                "width": width,
                "height": width * 16 / 9,
                "easing": easing,
            }
            for frame, x, width in through
        ],
    }


async def previewed(folder: Any, asked: dict[str, Any]) -> list[Rect]:
    body = {"kind": "export.framing", "input": asked, "footage": FOOTAGE}
    async with (
        a_world(STORES["memory"], folder, offered=load_kinds()) as world,
        calling(world, await world.a_key()) as http,
    ):
        answer = (await http.post("/v1/preview/plan", json=body)).json()
    return [Rect(*frame["rect"]) for frame in answer["frames"]]


@pytest.mark.parametrize("easing", Easing)
async def test_a_rendered_lattice_follows_the_previewed_rectangles(easing, tmp_path):
    asked = look(easing)
    told = await previewed(tmp_path, asked)
    kind = load_kinds()["export.framing"]
    order = kind.parse_input({**asked, "source": {"asset_id": "a"}})
    plan = order.plan(Footage(FRAME, Fraction(25), FRAMES, Fraction(FRAMES, 25)))
    source, resampler = lattice(), Resampler(OUTPUT)

    errors = []
    for n in range(0, FRAMES, 2):
        frame = resampler.frame(source, plan.rect(n))
        plane = frame.planes[0]
        luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        found = places(luma[:, : OUTPUT.width_px], told[n])
        errors += [*np.hypot(found[:, 2] - found[:, 0], found[:, 3] - found[:, 1])]

    assert told == [plan.rect(n) for n in range(FRAMES)]
    assert max(errors) <= 0.05
