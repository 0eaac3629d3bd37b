"""Frames come out in order, few are on the way, and nothing outlives the call."""

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest
from av.video.frame import VideoFrame

from gpu_worker.media.pipeline import Threads, painted

THREADS = Threads(decode=1, paint=3, encode=1, queued=4)


class Broken(Exception):
    """What a fake part of the pipeline raises."""


class Frames:
    """A decoder's stand-in: says how far it was read, and whether it was closed."""

    def __init__(self, count: int, breaks_at: int | None = None) -> None:
        self.given = 0
        self.closed = False
        self._count, self._breaks_at = count, breaks_at

    def __call__(self) -> Generator[tuple[int, VideoFrame], None, None]:
        try:
            for n in range(self._count):
                if n == self._breaks_at:
                    raise Broken("decode")
                self.given += 1
                yield n, VideoFrame(16, 16, "yuv420p")
        finally:
            self.closed = True


def numbered(n: int, frame: VideoFrame) -> VideoFrame:
    frame.pts = n
    return frame


@contextmanager
def leaving_no_thread() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


def test_frames_come_out_in_order_however_long_each_is_painted() -> None:
    second_is_done = threading.Event()

    def first_waits_for_the_second(n: int, frame: VideoFrame) -> VideoFrame:
        if n == 0:
            second_is_done.wait(30)
        if n == 1:
            second_is_done.set()
        return numbered(n, frame)

    with leaving_no_thread(), painted(Frames(40)(), first_waits_for_the_second, THREADS) as out:
        order = [frame.pts for frame in out]

    assert order == list(range(40))


def test_d133_the_decoder_is_never_far_ahead_of_the_reader() -> None:
    frames = Frames(500)

    with leaving_no_thread(), painted(frames(), numbered, THREADS) as out:
        ahead = [frames.given - read for read, _ in enumerate(out, start=1)]

    # The queue, one that waits to enter it, and one being read meanwhile.
    assert max(ahead) <= THREADS.queued + 2


def test_what_the_decoder_raises_comes_out_after_the_frames_before_it() -> None:
    frames = Frames(10, breaks_at=5)
    seen = []

    with (
        leaving_no_thread(),
        pytest.raises(Broken),
        painted(frames(), numbered, THREADS) as out,
    ):
        seen.extend(frame.pts for frame in out)

    assert frames.closed


def test_what_a_painter_raises_comes_out_at_its_place() -> None:
    frames = Frames(100)
    seen: list[int | None] = []

    def breaks(n: int, frame: VideoFrame) -> VideoFrame:
        if n == 7:
            raise Broken("paint")
        return numbered(n, frame)

    def read_all(out: Iterator[VideoFrame]) -> None:
        for frame in out:
            seen.append(frame.pts)

    with (
        leaving_no_thread(),
        pytest.raises(Broken),
        painted(frames(), breaks, THREADS) as out,
    ):
        read_all(out)

    assert seen == list(range(7))
    assert frames.closed


def test_leaving_by_an_error_stops_everything() -> None:
    frames = Frames(10_000)

    def stop_after_one(out: Iterator[VideoFrame]) -> None:
        next(out)
        raise KeyboardInterrupt

    with (
        leaving_no_thread(),
        pytest.raises(KeyboardInterrupt),
        painted(frames(), numbered, THREADS) as out,
    ):
        stop_after_one(out)

    assert frames.closed
    assert frames.given < 100


def test_few_cores_still_decode_and_paint_at_once_and_many_are_not_all_taken() -> None:
    assert Threads.for_cores(1) == Threads(decode=2, paint=3, encode=2, queued=5)
    assert Threads.for_cores(128) == Threads.for_cores(16)
