"""A plan, before anything is rendered: `POST /v1/preview/plan`."""

import asyncio
import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from starlette.requests import HTTPConnection

from gateway.api.auth import JobCaller
from gateway.services.preview_plan import Preview, PreviewPlan, PreviewRequest
from shared.render.effects import blur_sigma_px, outline_width_px
from shared.render.layers import PlacedLayer
from shared.render.plan import Plan
from shared.render.regions import Region

# A page of an answer ends at the first of these; together they are about two megabytes.
FRAMES_MAX = 2_000
DRAWN_MAX = 10_000  # regions and layers on all its frames

router = APIRouter(prefix="/v1/preview", tags=["previews"])


async def _preview_plan(connection: HTTPConnection) -> PreviewPlan:
    found: PreviewPlan = connection.app.state.preview_plan
    return found


Previewing = Annotated[PreviewPlan, Depends(_preview_plan)]


@router.post("/plan")
async def preview_plan(asked: PreviewRequest, caller: JobCaller, plan: Previewing) -> Response:
    """Say what would be rendered, frame by frame."""
    preview = await plan(caller.tenant, asked)
    # Thousands of frames take a tenth of a second to compute and to write as JSON.
    body = await asyncio.to_thread(_body, preview)
    return Response(body, media_type="application/json")


def _body(preview: Preview) -> bytes:
    plan = preview.plan
    frames = _page(preview)
    answer = {
        "kind": preview.kind,
        "footage": _footage(plan),
        "output": {"width_px": plan.output.width_px, "height_px": plan.output.height_px},
        "rate": _rate(plan),
        "kept": {"from": preview.kept.start, "to": preview.kept.stop},
        "audio": _audio(preview),
        "effect": {
            "type": plan.effect.value,
            "blur_sigma_px": blur_sigma_px(plan.footage.size),
            "outline_width_px": outline_width_px(plan.footage.size),
        },
        "warnings": [{"code": each.code, "message": each.message} for each in plan.remarks],
        "frames": frames,
        "next_from": _next_from(preview, frames),
    }
    return json.dumps(answer, allow_nan=False, separators=(",", ":")).encode()


def _page(preview: Preview) -> list[dict[str, Any]]:
    """Return the first frames, as many as a page holds and at least one."""
    page: list[dict[str, Any]] = []
    drawn = 0
    for frame in _frames(preview, preview.frames[:FRAMES_MAX]):
        drawn += len(frame["regions"]) + len(frame["layers"])
        if page and drawn > DRAWN_MAX:
            break
        page.append(frame)
    return page


def _next_from(preview: Preview, page: list[dict[str, Any]]) -> int | None:
    left = preview.frames[len(page) :]
    return left[0] if left else None


def _frames(preview: Preview, frames: range) -> Iterator[dict[str, Any]]:
    plan = preview.plan
    for n in frames:
        rect = plan.rect(n)
        yield {
            "frame": n,
            "output_frame": n - preview.kept.start,
            "rect": [rect.x, rect.y, rect.width, rect.height],
            "regions": [_region(each) for each in plan.regions(n)],
            "layers": [_layer(each) for each in plan.layers_at(n)],
        }


def _region(region: Region) -> dict[str, Any]:
    red, green, blue = region.color
    return {
        "x": region.x,
        "y": region.y,
        "radius_x": region.radius_x,
        "radius_y": region.radius_y,
        "edge_px": region.edge_px,
        "opacity": region.opacity,
        "color": f"#{red:02x}{green:02x}{blue:02x}",
    }


def _layer(placed: PlacedLayer) -> dict[str, Any]:
    where, output = placed.layer.placement, placed.output
    x, y = where.point(output)
    return {
        "index": placed.index,
        "opacity": placed.opacity,
        "anchor": where.anchor.value,
        "x": x,
        "y": y,
        "width": None if where.width is None else where.width * output.width_px,
        "height": None if where.height is None else where.height * output.height_px,
    }


def _footage(plan: Plan) -> dict[str, Any]:
    footage = plan.footage
    return {
        "width_px": footage.size.width_px,
        "height_px": footage.size.height_px,
        "rate": _rate(plan),
        "frames": footage.frames,
        "duration_s": float(footage.duration),
    }


def _audio(preview: Preview) -> dict[str, float] | None:
    plan = preview.plan
    if preview.kept != plan.frames:
        return None  # a still picture has none
    return {"start_s": float(plan.starts_at), "end_s": float(plan.ends_at)}


def _rate(plan: Plan) -> str:
    return f"{plan.footage.rate.numerator}/{plan.footage.rate.denominator}"
