"""How loud sound is, by EBU R128, and the same sound at another level.

Measured and limited by ffmpeg's filters: ITU-R BS.1770-4 with its gates, true peaks at four
times the rate or more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import log10

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph
from av.filter.context import FilterContext

from shared.errors import JobFailed

_GATE_LUFS = -70.0  # BS.1770-4: a block below it counts for nothing; what is said of silence
_STEPS_A_SECOND = 10  # ebur128 speaks once in each
_OVERSAMPLED = 4  # BS.1770-4, annex 2


@dataclass(frozen=True, slots=True)
class Loudness:
    """Integrated loudness and the highest true peak; None where nothing is loud enough."""

    lufs: float | None
    peak_dbtp: float | None


@dataclass(frozen=True, slots=True)
class Level:
    """A gain, and the true peak above which sound is then held back; None holds back none."""

    gain_db: float
    limit_dbtp: float | None = None


def measured(pieces: Iterable[AudioFrame]) -> Loudness:
    """The loudness of sound in one piece, of one rate and layout."""
    said: dict[str, str] = {}
    for frame in _filtered(_filled_up(pieces), [("ebur128", "metadata=1:peak=true")]):
        said = frame.metadata or said
    lufs = float(said.get("lavfi.r128.I", _GATE_LUFS))
    peak = float(said.get("lavfi.r128.true_peak", 0.0))
    return Loudness(
        lufs=lufs if lufs > _GATE_LUFS else None,
        peak_dbtp=20 * log10(peak) if peak > 0 else None,
    )


def levelled(pieces: Iterable[AudioFrame], level: Level) -> Iterator[AudioFrame]:
    """The same sound at a level, sample for sample where it was."""
    pieces = iter(pieces)
    first = next(pieces, None)
    if first is None:
        return
    rate, layout = first.sample_rate, first.layout.name
    filters = [("volume", f"volume={level.gain_db:.4f}dB:precision=double")]
    if level.limit_dbtp is not None:
        limit = 10 ** (level.limit_dbtp / 20)
        filters += [
            ("aresample", str(_OVERSAMPLED * rate)),
            # It looks ahead by its attack, and gives back the samples late by as much unless
            # told to make up for it.
            ("alimiter", f"limit={limit:.6f}:attack=5:release=50:level=false:latency=true"),
            ("aresample", str(rate)),
        ]
    same = ("aformat", f"sample_fmts=fltp:sample_rates={rate}:channel_layouts={layout}")
    at = 0
    for frame in _filtered(_chained(first, pieces), [*filters, same]):
        frame.pts, frame.time_base = at, Fraction(1, rate)
        at += frame.samples
        yield frame


def _filtered(
    pieces: Iterable[AudioFrame], filters: list[tuple[str, str]]
) -> Iterator[AudioFrame]:
    graph: _Chain | None = None
    for piece in pieces:
        graph = graph or _Chain(piece, filters)
        yield from graph.through(piece)
    if graph is not None:
        yield from graph.through(None)


class _Chain:
    """Filters one after another; what goes in comes out when they have done with it."""

    def __init__(self, first: AudioFrame, filters: list[tuple[str, str]]) -> None:
        graph = Graph()
        self._source = graph.add_abuffer(
            sample_rate=first.sample_rate,
            format=first.format.name,
            layout=first.layout.name,
            time_base=Fraction(1, first.sample_rate),
        )
        self._sink = graph.add("abuffersink")
        before: FilterContext = self._source
        for name, arguments in filters:
            here = graph.add(name, arguments)
            before.link_to(here)
            before = here
        before.link_to(self._sink)
        graph.configure()
        self._graph = graph  # the contexts do not keep it alive

    def through(self, piece: AudioFrame | None) -> Iterator[AudioFrame]:
        self._source.push(piece)
        while True:
            try:
                frame = self._sink.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            if not isinstance(frame, AudioFrame):
                raise JobFailed("internal", detail="a filter of sound gave a picture")
            yield frame


def _filled_up(pieces: Iterable[AudioFrame]) -> Iterator[AudioFrame]:
    """The pieces, with silence to the end of the meter's last step."""
    last, samples = None, 0
    for piece in pieces:
        last, samples = piece, samples + piece.samples
        yield piece
    if last is None:
        return
    step = last.sample_rate // _STEPS_A_SECOND
    silence = np.zeros((len(last.layout.channels), -samples % step or step), np.float32)
    frame = AudioFrame.from_ndarray(silence, "fltp", last.layout.name)
    frame.sample_rate, frame.pts = last.sample_rate, samples
    frame.time_base = Fraction(1, last.sample_rate)
    yield frame


def _chained(first: AudioFrame, rest: Iterable[AudioFrame]) -> Iterator[AudioFrame]:
    yield first
    yield from rest
