"""The kept sound as samples: decoded, cut to the sample, silent where it has gaps."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from gpu_worker.media.decoding.containers import demuxed
from gpu_worker.media.decoding.footage import Source
from gpu_worker.media.encoding.aac import CODEC, SAMPLE_FORMAT
from gpu_worker.media.picture.planes import Array
from shared.errors import JobFailed
from shared.render.plan import Plan

_USUAL_RATE = 48_000
_LAYOUTS = {1: "mono", 2: "stereo"}  # more channels than two are mixed to two
_LEAD_S = Fraction(1, 2)  # decoded before a cut, so that the codec has settled there
# Containers in milliseconds jitter by half of one; what is further off is a true gap.
_JITTER_S = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class Cut:
    """The sound kept, in seconds on the container's clock, half-open."""

    starts_at: Fraction
    ends_at: Fraction

    @classmethod
    def of(cls, source: Source, plan: Plan) -> Self:
        """The same instants the video is cut at."""
        origin = source.video.starts_at
        return cls(origin + plan.starts_at, origin + plan.ends_at)


class CutSound:
    """The samples between a cut's two instants, with one or two channels."""

    def __init__(self, container: InputContainer, stream: AudioStream, cut: Cut) -> None:
        self._container = container
        self._stream = stream
        self._cut = cut
        rates = av.Codec(CODEC, "w").audio_rates or []
        own = stream.codec_context.sample_rate
        self.rate = own if own in rates else _USUAL_RATE
        self.layout = _LAYOUTS.get(stream.codec_context.channels, "stereo")

    def pieces(self) -> Iterator[AudioFrame]:
        """Yield frames from sample 0 of the output on, without gap, to the cut's end at most.

        Once: the container is read on.
        """
        total = round((self._cut.ends_at - self._cut.starts_at) * self.rate)
        at = 0
        for start, samples in self._decoded():
            gap = start - at
            if abs(gap) <= _JITTER_S * self.rate and at > 0:
                gap = 0
            while (silent := min(start - at, total - at, self.rate)) > 0 and gap > 0:
                yield self._frame(np.zeros((samples.shape[0], silent), samples.dtype), at)
                at += silent
            kept = samples[:, max(0, -gap) :][:, : total - at]
            if kept.shape[1]:
                yield self._frame(kept, at)
                at += kept.shape[1]
            if at >= total:
                return

    def _decoded(self) -> Iterator[tuple[int, Array]]:
        """Pairs of a position, in samples after the cut's start, and (channels, samples)."""
        seek(self._container, self._stream, self._cut.starts_at - _LEAD_S)
        to_planar = AudioResampler(SAMPLE_FORMAT, self.layout, self.rate)
        expected = 0
        for packet in demuxed(self._container, self._stream):
            try:
                frames = packet.decode()
            except MemoryError:
                raise
            except av.FFmpegError:
                continue  # A damaged packet becomes a gap, and the gap silence.
            for frame in frames:
                if frame.pts is not None and frame.time_base is not None:
                    after = frame.pts * frame.time_base - self._cut.starts_at
                    expected = round(after * self.rate)
                frame.pts = None
                for ready in to_planar.resample(frame):
                    yield expected, ready.to_ndarray()
                    expected += ready.samples

    def _frame(self, samples: Array, at: int) -> AudioFrame:
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), SAMPLE_FORMAT, self.layout
        )
        frame.sample_rate = self.rate
        frame.pts = at
        frame.time_base = Fraction(1, self.rate)
        return frame


def timebase_of(stream: AudioStream) -> Fraction:
    """Seconds of a tick of a stream. Raises `JobFailed` where it has none."""
    if stream.time_base is None:
        raise JobFailed("input_unreadable", detail="the audio stream has no timebase")
    return stream.time_base


def seek(container: InputContainer, stream: AudioStream, time_s: Fraction) -> None:
    """Go to a packet well before a time, where that is far from the beginning."""
    target = time_s - _LEAD_S
    if target > 0:
        container.seek(int(target / timebase_of(stream)), stream=stream)
