"""Write the export's file: MP4 with its index first, and look at what was written."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from errno import EDQUOT, EFBIG, EIO, ENOSPC
from fractions import Fraction
from math import floor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from gpu_worker.media.decoding.containers import blind_to
from gpu_worker.media.encoding.encoders import Encoder
from gpu_worker.media.encoding.scheduling import leave_real_time
from gpu_worker.media.encoding.sound import Sound
from gpu_worker.media.picture.colour import Colours
from shared.errors import JobFailed
from shared.render.cropping import Size

# A player that jumps decodes from the sync sample before. On a low-rate clip, where it costs
# most, a sync sample each 2 s adds 12 % to the file, and each 4 s 3 %.
LONGEST_GROUP_S: Final = 4


class VideoFile:
    """An MP4 that takes frames in order and brings the sound along. A context manager.

    Frame *i* is shown at i/rate. The file is complete only after leaving without an error.
    """

    def __init__(
        self,
        path: Path,
        size: Size,
        rate: Fraction,
        colours: Colours,
        encoder: Encoder,
        sound: Sound | None,
    ) -> None:
        self._sound = sound
        self._rate = rate
        self._written = 0
        # SVT-AV1 prints a page for each video it begins, and has no other switch for it.
        os.environ.setdefault("SVT_LOG", "1")
        with ExitStack() as opening, writing():
            self._output = opening.enter_context(
                av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
            )
            video = self._output.add_stream(
                encoder.name, rate=rate, options=dict(encoder.options)
            )
            if not isinstance(video, VideoStream):
                raise JobFailed("internal", detail=f"{encoder.name} codes no video")
            self._video = video
            self._configure(size, colours, encoder)
            if sound is not None:
                sound.join(self._output)
            self._video.codec_context.open(strict=False)
            leave_real_time()
            self._opened = opening.pop_all()

    def _configure(self, size: Size, colours: Colours, encoder: Encoder) -> None:
        context = self._video.codec_context
        context.width, context.height = size.width_px, size.height_px
        context.pix_fmt = encoder.pixel_format
        context.time_base = 1 / self._rate
        context.sample_aspect_ratio = Fraction(1)
        context.thread_count = encoder.threads
        # PyAV asks for slices, where threads meet at the end of each picture: frames at once
        # keep the cores busy, and are ffmpeg's own choice.
        context.thread_type = "AUTO"
        context.gop_size = max(2, floor(LONGEST_GROUP_S * self._rate))
        if encoder.tag is not None:
            context.codec_tag = encoder.tag
        context.color_range = colours.colour_range
        context.colorspace = colours.matrix
        context.color_primaries = colours.primaries
        context.color_trc = colours.transfer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            with suppress(av.FFmpegError):  # the file is of no use, and the error is known
                self._opened.close()
            return
        with writing(), self._opened:
            self._output.mux(self._video.encode(None))
            self._bring_sound(self._written / self._rate)

    def add(self, frame: VideoFrame) -> None:
        """Take the next frame."""
        frame.pts, frame.time_base = self._written, 1 / self._rate
        self._written += 1
        with writing():
            self._output.mux(self._video.encode(frame))
            self._bring_sound(self._written / self._rate)

    def _bring_sound(self, until_s: Fraction) -> None:
        if self._sound is not None:
            for packet in self._sound.until(until_s):
                self._output.mux(packet)


@contextmanager
def writing() -> Iterator[None]:
    """Say what ffmpeg's errors on our own file mean: the disk's by their number, else ours."""
    try:
        yield
    except MemoryError:
        raise
    except av.FFmpegError as error:
        if error.errno in (ENOSPC, EFBIG, EDQUOT, EIO):
            raise OSError(error.errno, error.strerror) from error
        raise JobFailed("internal", detail=f"cannot write: {error}") from error


def check_written(path: Path, size: Size, frames: int) -> bool:
    """Look at a finished file as a player would, and tell whether it has sound.

    Raises `JobFailed` with `internal` where its picture is not what was to be written.
    """
    with av.open(str(path), "r", format="mov", stream_options=blind_to(0)) as made:
        video = made.streams.video[0]
        found = (video.codec_context.width, video.codec_context.height, video.frames)
        has_audio = any(stream.frames for stream in made.streams.audio)
    expected = (size.width_px, size.height_px, frames)
    if found != expected:
        raise JobFailed("internal", detail=f"the file has {found}, not {expected}")
    return has_audio
