"""What a peer is told to make, one line of JSON each, and how it answers.

Standard library alone: both sides import this.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

# As the engine's own, for `standard`.
ENCODER = ("-preset", "veryfast", "-pix_fmt", "yuv420p", "-movflags", "+faststart")

Ellipse = tuple[float, float, float, float]  # centre x, centre y, radius x, radius y


@dataclass(frozen=True, slots=True)
class Order:
    """A video to make: what each frame shows, or the ellipse that stays sharp on it.

    `rects` are (x, y, width, height) in pixels, `sigma_px` is the blur's. A list that is
    empty asks for nothing of its sort. `crf` is x264's; 0 is lossless.
    """

    clip: str
    into: str
    output: tuple[int, int]
    rate: int
    rects: Sequence[tuple[float, float, float, float]] = ()
    ellipses: Sequence[Ellipse] = ()
    sigma_px: float = 0.0
    crf: int = 20

    def line(self) -> str:
        """As it is sent."""
        return json.dumps(asdict(self))


def serve(make: Callable[[Order], None]) -> None:
    """Say that we are ready, then make what comes until nobody asks any more.

    Answers the seconds on the wall and of all cores, those of children included.
    """
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order = Order(**json.loads(line))
        begun_at, before_s = time.perf_counter(), _cpu_s()
        make(order)
        took = {"wall_s": time.perf_counter() - begun_at, "cpu_s": _cpu_s() - before_s}
        print(json.dumps(took), flush=True)


def whole(rect: Sequence[float]) -> tuple[int, int, int, int]:
    """The rows and columns, half-open, of a crop in whole pixels: top, bottom, left, right."""
    x, y, width, height = rect
    left, top = round(x), round(y)
    return top, top + round(height), left, left + round(width)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
