"""What layers cost: an export with a title and a mark beside the same without."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from bench.clips import Film, textured
from bench.figures import Figure, Measurement
from bench.paired import interleaved
from bench.rendering import HEIGHT_PX, OUTPUT, RATE, WIDTH_PX, framing_order
from bench.warm_worker import warm_worker
from bench.workplace import Workplace

_LAYERS: list[dict[str, Any]] = [
    {
        "type": "text",
        "text": "Second half · النصف الثاني",
        "anchor": "top",
        "margin": 0.06,
        "size": 0.035,
        "weight": "bold",
        "background": {"color": "#102040", "opacity": 0.7, "padding": 0.5},
        "fade_in": 15,
        "fade_out": 15,
    },
    {
        "type": "text",
        "text": "cutroom",
        "anchor": "bottom_right",
        "margin": 0.04,
        "opacity": 0.8,
        "outline": {"width": 0.05},
        "shadow": {},
    },
]


def layers(place: Workplace) -> Mapping[str, float]:
    """A moving crop with two texts over it, warm; the same crop alone."""
    film = Film(WIDTH_PX, HEIGHT_PX, RATE, place.effort.clip_s)
    clip = textured(place.room("clip") / "clip.mp4", film)
    plain = framing_order(film, OUTPUT)
    with warm_worker(place) as worker:
        best = interleaved(
            {
                "plain": partial(worker.cost, "export.framing", clip, plain),
                "layered": partial(
                    worker.cost, "export.framing", clip, {**plain, "layers": _LAYERS}
                ),
            },
            place.effort.rounds,
        )
    return {"layers_wall_vs_plain": best["layered"].wall_s / best["plain"].wall_s}


MEASUREMENTS = (
    Measurement((Figure("layers_wall_vs_plain", "×", 1.10, judged=False),), layers),
)
