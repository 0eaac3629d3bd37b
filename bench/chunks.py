"""One export in several processes: what it gains, on as many cores as there are.

Whether the pieces join frame for frame is not for a clock: tests hold it, by numbers painted
in the picture.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from bench.clips import Film, textured
from bench.figures import CannotRun, Figure, Measurement
from bench.paired import Cost, interleaved
from bench.rendering import HEIGHT_PX, OUTPUT, RATE, WIDTH_PX, framing_order
from bench.warm_worker import WarmWorker, warm_worker
from bench.workplace import Workplace
from gpu_worker import machine

FEWEST_CORES = 4
_PAIR = 2
_PIECE_S = 4  # of video, so that an encoder's beginning and end do not count for much


def speedup(place: Workplace) -> Mapping[str, float]:
    """A piece for each two cores, beside one piece that has two cores; and one that has all.

    The first is judged by how many pairs of cores there are. Raises `CannotRun` where they
    are too few for the question.
    """
    cores = machine.cores()
    if cores < FEWEST_CORES:
        raise CannotRun(f"not applicable: {cores} cores, and it is asked of {FEWEST_CORES}")
    pieces = cores // _PAIR
    with _contenders(place, _PIECE_S * pieces) as (worker, one, several):
        best = interleaved(
            {
                "on two cores": partial(_on_a_pair, worker, one),
                "on all": one,
                "in pieces": partial(several, pieces),
            },
            place.effort.rounds,
        )
    in_pieces_s = best["in pieces"].wall_s
    return {
        "chunk_speedup": best["on two cores"].wall_s / in_pieces_s / pieces,
        "chunk_speedup_all_cores": best["on all"].wall_s / in_pieces_s,
    }


def two_pieces(place: Workplace) -> Mapping[str, float]:
    """One piece beside two, both with all the cores: why few cores are not shared."""
    with _contenders(place, place.effort.clip_s) as (_, one, several):
        best = interleaved({"one": one, "two": partial(several, 2)}, place.effort.rounds)
    return {"chunk_two_vs_one": best["one"].wall_s / best["two"].wall_s}


Run = Callable[[], Cost]


@contextmanager
def _contenders(
    place: Workplace, length_s: int
) -> Iterator[tuple[WarmWorker, Run, Callable[[int], Cost]]]:
    film = Film(WIDTH_PX, HEIGHT_PX, RATE, length_s)
    clip = textured(place.room("chunks") / "clip.mp4", film)
    order = framing_order(film, OUTPUT)
    with warm_worker(place) as worker:

        def several(pieces: int) -> Cost:
            return worker.cost("export.framing", clip, order, processes=pieces)

        yield worker, partial(several, 1), several


def _on_a_pair(worker: WarmWorker, run: Run) -> Cost:
    """Run with the zygote, and what it forks, held to two cores."""
    zygote_pid = worker.children.start().pid
    all_cores = os.sched_getaffinity(zygote_pid)
    os.sched_setaffinity(zygote_pid, sorted(all_cores)[:_PAIR])
    try:
        return run()
    finally:
        os.sched_setaffinity(zygote_pid, all_cores)


MEASUREMENTS = (
    Measurement(
        (
            Figure("chunk_speedup", "× of cores ÷ 2", 0.8, at_least=True),
            Figure("chunk_speedup_all_cores", "×", 1.0, judged=False, at_least=True),
        ),
        speedup,
    ),
    Measurement(
        (Figure("chunk_two_vs_one", "×", 1.0, judged=False, at_least=True),), two_pieces
    ),
)
