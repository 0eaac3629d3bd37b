"""Combs are taken out where frames say they have them, and nothing else is touched."""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest

from gpu_worker.media.decoding.deinterlacing import progressive

TICK = Fraction(1, 90_000)


def frame(number: int, width: int = 64) -> av.VideoFrame:
    made = av.VideoFrame.from_ndarray(
        np.full((72, width), 100 + number, np.uint8), "gray"
    ).reformat(format="yuv420p")
    made.pts, made.dts, made.duration = number * 3000, number * 3000 - 6000, 3000
    made.time_base = TICK
    return made


def interlaced(number: int, width: int = 64) -> av.VideoFrame:
    """The frame flagged as interlaced, which only a decoder or a filter can do."""
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_buffer(
            width=width,
            height=72,
            format=av.VideoFormat("yuv420p", width, 72),
            time_base=TICK,
        ),
        graph.add("setfield", "tff"),
        graph.add("buffersink"),
    ).configure()
    plain = frame(number, width)
    graph.vpush(plain)
    made = graph.vpull()
    made.dts, made.duration = plain.dts, plain.duration
    return made


def stamps(frames: list[av.VideoFrame]) -> list[tuple[int | None, int | None, int]]:
    return [(each.pts, each.dts, each.duration) for each in frames]


def test_progressive_frames_are_handed_on_as_they_are() -> None:
    frames = [frame(n) for n in range(4)]

    made = list(progressive(iter(frames)))

    assert all(a is b for a, b in zip(made, frames, strict=True))


@pytest.mark.parametrize("kinds", ["iiii", "ppii", "iipp", "pipi", "i"])
def test_one_frame_comes_out_for_each_with_its_times(kinds: str) -> None:
    frames = [interlaced(n) if kind == "i" else frame(n) for n, kind in enumerate(kinds)]
    meant = stamps(frames)

    made = list(progressive(iter(frames)))

    assert stamps(made) == meant
    assert not any(each.interlaced_frame for each in made)


def test_progressive_pictures_among_interlaced_ones_keep_their_samples() -> None:
    frames = [interlaced(0), frame(1), frame(2), interlaced(3)]

    made = list(progressive(iter(frames)))

    assert [int(each.to_ndarray()[20, 20]) for each in made] == [
        int(each.to_ndarray()[20, 20]) for each in frames
    ]


def test_a_switch_of_size_loses_no_frame() -> None:
    frames = [interlaced(0), interlaced(1), interlaced(2, 96), frame(3, 96), frame(4)]
    meant = stamps(frames)

    made = list(progressive(iter(frames)))

    assert [each.width for each in made] == [64, 64, 96, 96, 64]
    assert stamps(made) == meant


def test_at_most_two_frames_are_held_back() -> None:
    given = 0

    def counted() -> Iterator[av.VideoFrame]:
        nonlocal given
        for n in range(6):
            given += 1
            yield interlaced(n)

    behind = [given - taken for taken, _ in enumerate(progressive(counted()), start=1)]

    assert max(behind) <= 2
