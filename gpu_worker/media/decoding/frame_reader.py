"""Decode a video onto its constant-rate timeline, frame by frame, in flat memory."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from gpu_worker.media.decoding.containers import demuxed, opened
from gpu_worker.media.decoding.deinterlacing import progressive
from gpu_worker.media.decoding.footage import Source, VideoTrack
from gpu_worker.media.decoding.pictures import ToPlanar
from gpu_worker.media.decoding.streams import video_stream
from shared.errors import JobFailed
from shared.render.plan import Remark
from shared.render.timebase import ConstantRate

# A scratch or a lost block costs a packet or two; past this the picture is not the person's.
_DAMAGED_ALWAYS = 8
_DAMAGED_ONE_IN = 20
# A decoder may paint over what it lost. One frame in two of those is no picture any more.
_PAINTED_OVER_ONE_IN = 2


class FrameReader:
    """Reads the frames of a source once. `remarks` is complete when the reading has ended.

    Frame *n* of the timeline shows the last decoded frame whose time, rounded to the nearest
    1/rate, is at or before n/rate.

    With an accelerator the frames stay where it decodes them, in its own format, and nothing
    damaged is skipped: what a device makes of that is not what the decoders here make of it.
    HDR and interlaced video is decoded here all the same: what it needs is done here.
    """

    def __init__(
        self,
        source: Source,
        threads: int,
        accelerator: HWAccel | None = None,
        *,
        keep_alpha: bool = False,
    ) -> None:
        self._source = source
        self._threads = threads
        plain = source.look.tone_map is None and not source.look.interlaced
        self._accelerator = accelerator if plain else None
        self._keep_alpha = keep_alpha
        self._damaged = 0
        self._painted_over = 0
        self._ahead: int | None = None  # by how much DTS run ahead of the frames' times
        self._latest = source.video.origin
        self._held_at_end = 0

    def frames(self, wanted: range) -> Generator[tuple[int, VideoFrame], None, None]:
        """Yield each wanted number in order, with its frame in planar Y'CbCr.

        Frames repeat where the video holds still; they are shared with the decoder and not
        to be written. Raises `JobFailed` with `input_unreadable` where too much is damaged.
        """
        track = self._source.video
        clock = ConstantRate(track.rate, track.timebase)
        clock.add(track.origin)
        here = self._accelerator is None
        keep_alpha = self._keep_alpha
        planar = ToPlanar(self._source.look, keep_alpha=keep_alpha) if here else _as_decoded
        decoded = self._decoded(self._start(wanted.start))
        held: VideoFrame | None = None
        reached = 0
        for frame in progressive(decoded) if here else decoded:
            span = clock.add(self._pts(frame), frame.duration)
            # Before the first decoded frame there is nothing to show but that frame.
            yield from _shown(held or frame, span, wanted, planar)
            reached, held = span.stop, frame
            if reached >= wanted.stop:
                return
        if held is None:
            raise JobFailed(
                "input_unreadable", "No frame of this part of the video can be decoded."
            )
        self._held_at_end = max(0, wanted.stop - max(clock.count, reached + 1))
        yield from _shown(held, range(reached, wanted.stop), wanted, planar)

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What the person should know of what was read."""
        remarks = []
        if self._damaged or self._painted_over:
            remarks.append(
                Remark(
                    "input_damaged",
                    f"{self._damaged + self._painted_over} pieces of the video are damaged; "
                    f"the picture may stand still or be wrong there.",
                )
            )
        if self._held_at_end > 0:
            remarks.append(
                Remark(
                    "input_truncated",
                    f"The last {self._held_at_end} frames of the video cannot be decoded; "
                    f"the one before them is held.",
                )
            )
        return tuple(remarks)

    def _start(self, first: int) -> int | None:
        """The sync sample to decode from, as an index; None for the beginning."""
        track = self._source.video
        if not track.stamped:
            return None
        # A frame's time is rounded: one frame early is always early enough.
        at = track.origin + int((first - 1) / track.rate / track.timebase)
        before = [i for i, sample in enumerate(track.sync_samples) if sample.pts <= at]
        if not before or before[-1] == 0 or not self._shows_in_time(before[-1], first):
            return None
        return before[-1]

    def _shows_in_time(self, start: int, first: int) -> bool:
        """Whether decoding from a sync sample has a frame to show at `first`.

        With periodic intra refresh it may not: such a sample only begins to mend the picture.
        """
        track = self._source.video
        clock = ConstantRate(track.rate, track.timebase)
        clock.add(track.origin)
        trial = FrameReader(self._source, 1)
        with closing(trial._decoded(start)) as frames:
            frame = next(frames, None)
            return frame is not None and clock.add(trial._pts(frame)).stop <= first

    def _decoded(self, start: int | None) -> Generator[VideoFrame, None, None]:
        track = self._source.video
        # What opening would find out anew, the probe has found: how far frames are reordered.
        # Where times are made up they are made of that, and a device looks for itself.
        known = track.stamped and self._accelerator is None
        unseen = track.index if known else None
        with opened(self._source.path, self._accelerator, unseen=unseen) as container:
            stream = video_stream(container, track.index)
            if known:
                stream.codec_context.reorder_depth = track.held_back
            stream.thread_type = "AUTO"
            stream.thread_count = self._threads
            for packet in _packets(container, stream, track, start):
                yield from self._decode(packet)

    def _pts(self, frame: VideoFrame) -> int:
        track = self._source.video
        stamp = frame.pts if track.stamped else None
        if stamp is None and frame.dts is not None:
            if self._ahead is None:
                self._ahead = frame.dts - track.origin
            stamp = frame.dts - self._ahead
        # Without any stamp it follows the frame before.
        self._latest = self._latest + (frame.duration or 1) if stamp is None else stamp
        return self._latest

    def _decode(self, packet: "Packet[VideoStream]") -> list[VideoFrame]:
        try:
            frames = packet.decode()
        except MemoryError:
            raise
        except av.FFmpegError as error:
            self._damaged += 1
            self._fail_beyond(self._damaged, _DAMAGED_ONE_IN, error)
            return []
        for frame in frames:
            if frame.is_corrupt:
                self._painted_over += 1
                self._fail_beyond(self._painted_over, _PAINTED_OVER_ONE_IN, None)
        return frames

    def _fail_beyond(self, pieces: int, one_in: int, error: av.FFmpegError | None) -> None:
        allowed = max(_DAMAGED_ALWAYS, self._source.video.packets // one_in)
        if pieces > allowed or self._accelerator is not None:
            raise JobFailed(
                "input_unreadable",
                "Too much of the video is damaged. Export it again, or upload it anew.",
                detail=str(error or f"{pieces} frames were decoded with errors"),
            ) from error


def _as_decoded(frame: VideoFrame) -> VideoFrame:
    return frame


def _shown(
    frame: VideoFrame, span: range, wanted: range, planar: Callable[[VideoFrame], VideoFrame]
) -> Iterator[tuple[int, VideoFrame]]:
    kept = range(max(span.start, wanted.start), min(span.stop, wanted.stop))
    if kept:
        ready = planar(frame)
        for n in kept:
            yield n, ready


def _packets(
    container: InputContainer, stream: VideoStream, track: VideoTrack, start: int | None
) -> Iterator["Packet[VideoStream]"]:
    """Packets from a sync sample on, or from the beginning where the demuxer lands past it."""
    packets = demuxed(container, stream)
    if start is not None:
        sample = track.sync_samples[start]
        container.seek(sample.seek_to, stream=stream)
        packets = demuxed(container, stream)
        first = next(packets, None)
        if first is not None and first.pts is not None and first.pts <= sample.pts:
            yield first
        else:
            container.seek(track.sync_samples[0].seek_to, stream=stream)
            packets = demuxed(container, stream)
    yield from packets
