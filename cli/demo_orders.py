"""What the demo asks for: crops that follow the cars of the sample, and ellipses on them.

The sample is 768 × 432 at 12.5 frames a second; positions are in its pixels.
"""

from itertools import pairwise
from typing import Any

Json = dict[str, Any]
Point = tuple[int, float, float]  # frame, x, y of a car's middle

# Read off the footage: a white car goes up, a red one too, a white one comes down. Middles
# of whole cars, also where a part of one is outside the picture.
WHITE_UP: tuple[Point, ...] = (
    (58, 381, 500),
    (64, 376, 412),
    (72, 372, 290),
    (80, 356, 196),
    (88, 346, 76),
    (97, 342, -30),
)
RED_UP: tuple[Point, ...] = (
    (190, 410, 508),
    (200, 406, 350),
    (208, 398, 254),
    (216, 388, 144),
    (224, 376, 18),
    (232, 368, -70),
)
WHITE_DOWN: tuple[Point, ...] = (
    (318, 256, -90),
    (324, 244, 27),
    (328, 232, 103),
    (336, 208, 292),
    (344, 205, 480),
)

CROP_WIDTH, CROP_HEIGHT = 207.0, 368.0
FRAME_HEIGHT = 432.0
RADIUS_X, RADIUS_Y = 108.0, 165.0


def framing_order(start_s: float, end_s: float) -> Json:
    """A close crop that follows one car after the other, and glides across in between."""
    points = (*WHITE_UP, *RED_UP, *WHITE_DOWN)
    return {
        "crop_keyframes": [_around(each) for each in points],
        "start_time": start_s,
        "end_time": end_s,
    }


def overlay_order() -> Json:
    """Each car in an ellipse, the rest blurred, while the crop pans slowly to the left."""
    tracks = (WHITE_UP, RED_UP, WHITE_DOWN)
    pan = ((0, 240), (110, 240), (190, 270), (240, 270), (310, 100))
    return {
        "highlight_regions": [each for track in tracks for each in _on_each_frame(track)],
        "effect_type": "blur",
        "crop_keyframes": [
            {"frame": n, "x": x, "y": 0, "width": 243, "height": 432} for n, x in pan
        ],
    }


def _around(point: Point) -> Json:
    frame, x, y = point
    top = min(max(y - CROP_HEIGHT / 2, 0.0), FRAME_HEIGHT - CROP_HEIGHT)
    return {
        "frame": frame,
        "x": x - CROP_WIDTH / 2,
        "y": top,
        "width": CROP_WIDTH,
        "height": CROP_HEIGHT,
    }


def _on_each_frame(track: tuple[Point, ...]) -> list[Json]:
    """Return an ellipse for each frame of a track, its middle on the line between points."""
    regions = []
    for (first, x0, y0), (last, x1, y1) in pairwise(track):
        for frame in range(first, last):
            part = (frame - first) / (last - first)
            regions.append(
                {
                    "start_frame": frame,
                    "end_frame": frame + 1,
                    "x": x0 + (x1 - x0) * part,
                    "y": y0 + (y1 - y0) * part,
                    "radius_x": RADIUS_X,
                    "radius_y": RADIUS_Y,
                    "opacity": 1.0,
                }
            )
    return regions
