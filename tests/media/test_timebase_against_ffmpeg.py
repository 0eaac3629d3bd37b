"""The constant-rate timeline beside the filter whose rules it follows."""

import random
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest
from av.filter import Graph

from shared.render.timebase import ConstantRate

pytestmark = pytest.mark.media

SIDE_PX = 16
MILLISECONDS, TICKS = Fraction(1, 1000), Fraction(1, 90_000)


def frame_saying(number: int, pts: int, duration: int, timebase: Fraction) -> av.VideoFrame:
    """A grey frame whose first two samples spell its number."""
    samples = np.full((SIDE_PX, SIDE_PX), 128, np.uint8)
    samples[0, :2] = number >> 8, number & 255
    frame = av.VideoFrame.from_ndarray(samples, "gray")
    frame.pts, frame.duration, frame.time_base = pts, duration, timebase
    return frame


def through_ffmpeg(
    rate: Fraction, timebase: Fraction, stamps: list[tuple[int, int]]
) -> list[int]:
    """Which input frame each output frame of ffmpeg's `fps` filter is."""
    graph = Graph()
    source = graph.add_buffer(width=SIDE_PX, height=SIDE_PX, format="gray", time_base=timebase)
    from_zero = graph.add("setpts", "PTS-STARTPTS")
    filtered = graph.add("fps", f"fps={rate.numerator}/{rate.denominator}")
    sink = graph.add("buffersink")
    source.link_to(from_zero)
    from_zero.link_to(filtered)
    filtered.link_to(sink)
    graph.configure()

    shown = []
    for number, (pts, duration) in enumerate(stamps):
        graph.push(frame_saying(number, pts, duration, timebase))
        shown += list(_pulled(graph))
    graph.push(None)
    return shown + list(_pulled(graph))


def _pulled(graph: Graph) -> Iterator[int]:
    while True:
        try:
            high, low = graph.vpull().to_ndarray()[0, :2].tolist()
        except (av.BlockingIOError, av.EOFError):
            return
        yield high << 8 | low


def through_ours(
    rate: Fraction, timebase: Fraction, stamps: list[tuple[int, int]]
) -> list[int]:
    """The same according to `ConstantRate`."""
    clock, shown = ConstantRate(rate, timebase), []
    for number, (pts, duration) in enumerate(stamps):
        shown += [number - 1] * len(clock.add(pts, duration))
    return shown + [len(stamps) - 1] * len(clock.end())


def irregular(seed: int, count: int, shortest: int, longest: int) -> list[tuple[int, int]]:
    """Frames that last from `shortest` to `longest` ticks, from a start that is not 0."""
    chance, at, stamps = random.Random(seed), 12_345, []
    for _ in range(count):
        lasts = chance.randint(shortest, longest)
        stamps.append((at, lasts))
        at += lasts
    return stamps


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("rate", "timebase", "shortest", "longest"),
    [
        (Fraction(30), TICKS, 1500, 4500),
        (Fraction(30000, 1001), TICKS, 2990, 3010),
        (Fraction(24000, 1001), MILLISECONDS, 1, 120),
        (Fraction(25), MILLISECONDS, 20, 20),
        (Fraction(60), MILLISECONDS, 16, 300),
    ],
    ids=["phone", "ntsc", "wild", "halves", "gaps"],
)
def test_d130_every_frame_is_the_one_ffmpegs_fps_filter_shows(
    rate: Fraction, timebase: Fraction, shortest: int, longest: int, seed: int
) -> None:
    stamps = irregular(seed, 400, shortest, longest)

    assert through_ours(rate, timebase, stamps) == through_ffmpeg(rate, timebase, stamps)
