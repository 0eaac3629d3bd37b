"""Decode, paint and encode at once, in order, with a bounded number of frames on the way.

One thread decodes; a few paint, in kernels that hold no GIL; the caller's own encodes. All
are started by the call and joined before it ends, however it ends.
"""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from queue import Full, Queue
from threading import Event, Thread

from av.video.frame import VideoFrame

Numbered = Generator[tuple[int, VideoFrame], None, None]
Paint = Callable[[int, VideoFrame], VideoFrame]

_LOOK_UP_S = 0.1  # how often a full queue looks whether anyone still reads


@dataclass(frozen=True, slots=True)
class Threads:
    """How many of each; `queued` frames may be on their way besides those being worked on."""

    decode: int
    paint: int
    encode: int
    queued: int

    @classmethod
    def for_cores(cls, cores: int) -> "Threads":
        """For a machine with this many cores, all of them ours.

        The encoder takes most of the time, and stalls while it waits for a frame: more threads
        than cores keep both it and its frames coming. Half as many again is x264's own choice;
        each works on a picture of its own, so that more of them take memory and give no speed.
        """
        return cls(
            decode=min(max(cores, 2), 8),
            paint=min(max(cores + 1, 3), 8),
            encode=min(max(cores * 3 // 2, 2), 16),
            queued=min(max(cores + 1, 3), 8) + 2,
        )


@contextmanager
def painted(frames: Numbered, paint: Paint, threads: Threads) -> Iterator[Iterator[VideoFrame]]:
    """Paint frames ahead of the reader; inside, iterate over the results in order.

    `frames` runs in a thread of its own and is closed there. What it or `paint` raises comes
    out of the iteration. Leaving early, by an error or not, stops all of it.
    """
    queue: Queue[Future[VideoFrame] | BaseException | None] = Queue(threads.queued)
    stop = Event()
    with ThreadPoolExecutor(threads.paint, "paint") as pool:
        feeder = Thread(
            target=_feed, args=(frames, paint, pool, queue, stop), name="decode", daemon=True
        )
        feeder.start()
        try:
            yield _results(queue)
        finally:
            stop.set()
            feeder.join()
            pool.shutdown(cancel_futures=True)


def _feed(
    frames: Numbered,
    paint: Paint,
    pool: ThreadPoolExecutor,
    queue: Queue[Future[VideoFrame] | BaseException | None],
    stop: Event,
) -> None:
    last: BaseException | None = None
    try:
        with closing(frames):
            for n, frame in frames:
                if not _put(queue, pool.submit(paint, n, frame), stop):
                    return
    except BaseException as error:  # noqa: BLE001 — handed to the reader, who raises it
        last = error
    _put(queue, last, stop)


def _put(
    queue: Queue[Future[VideoFrame] | BaseException | None],
    item: Future[VideoFrame] | BaseException | None,
    stop: Event,
) -> bool:
    while not stop.is_set():
        try:
            queue.put(item, timeout=_LOOK_UP_S)
        except Full:
            continue
        return True
    return False


def _results(
    queue: Queue[Future[VideoFrame] | BaseException | None],
) -> Iterator[VideoFrame]:
    while (item := queue.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item.result()
