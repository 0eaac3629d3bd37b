"""Interlaced frames as whole pictures: each shows its first field, the other's lines made up.

One frame for a frame, so the timeline stays as it is. Only what the decoder says is interlaced
is touched; from the first such frame on, all go through the filter, since it looks at a
frame's neighbours, but it hands on the others as they are.
"""

from collections import deque
from collections.abc import Iterator

from av.filter import Graph
from av.video.frame import VideoFrame

# Weston's three fields with bwdif's spatial part: the best that ffmpeg has without a network.
_FILTER = "bwdif"
_HOW = "mode=send_frame:parity=auto:deint=interlaced"


def progressive(frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """The same frames at the same times, without combs.

    Keeps a frame or two back. A switch of size or format begins the filter anew.
    """
    running: _Running | None = None
    for frame in frames:
        if running is not None and not running.takes(frame):
            yield from running.rest()
            running = None
        if running is None and frame.interlaced_frame:
            running = _Running(frame)
        if running is None:
            yield frame
        else:
            yield from running.add(frame)
    if running is not None:
        yield from running.rest()


class _Running:
    """A filter at work on frames of one size and format."""

    def __init__(self, frame: VideoFrame) -> None:
        self._sort = _sort_of(frame)
        self._times: deque[tuple[int | None, int | None, int]] = deque()
        self._graph = Graph()
        self._graph.threads = 1
        self._graph.link_nodes(
            self._graph.add_buffer(
                width=frame.width,
                height=frame.height,
                format=frame.format,
                time_base=frame.time_base,
            ),
            self._graph.add(_FILTER, _HOW),
            self._graph.add("buffersink"),
        ).configure()

    def takes(self, frame: VideoFrame) -> bool:
        return _sort_of(frame) == self._sort

    def add(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        self._times.append((frame.pts, frame.dts, frame.duration))
        self._graph.vpush(frame)
        return self._ready()

    def rest(self) -> Iterator[VideoFrame]:
        self._graph.vpush(None)
        return self._ready()

    def _ready(self) -> Iterator[VideoFrame]:
        while True:
            try:
                made = self._graph.vpull()
            except (BlockingIOError, EOFError):
                return
            # The filter counts in half ticks. It gives as many as it takes, in order.
            made.pts, made.dts, made.duration = self._times.popleft()
            yield made


def _sort_of(frame: VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
