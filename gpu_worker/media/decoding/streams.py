"""Which streams of a file are used, and what must be true of them."""

from fractions import Fraction

from av.audio import AudioStream
from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from gpu_worker.media.decoding import codecs
from gpu_worker.media.decoding.containers import MAX_PIXELS
from shared.errors import JobFailed


def video_stream(container: InputContainer, index: int) -> VideoStream:
    """The video stream of this index, ready to decode; a frame over the pixel limit fails."""
    stream = container.streams[index]
    if not isinstance(stream, VideoStream):
        raise JobFailed("internal", detail=f"stream {index} is no video")
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return stream


def chosen_video(container: InputContainer) -> VideoStream:
    """The first stream that is a video and no cover. Raises `JobFailed`."""
    for stream in container.streams.video:
        cover = stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)
        if not cover:
            if not decodable(stream):
                raise JobFailed(
                    "input_unreadable",
                    "The video's codec is one we cannot decode. Export it as H.264 and retry.",
                )
            return stream
    if container.streams.audio:
        raise JobFailed(
            "input_unreadable", "The file has sound but no video. Choose a file with a picture."
        )
    raise JobFailed("input_unreadable", "The file has no video in it. Choose another file.")


def chosen_audio(container: InputContainer) -> AudioStream | None:
    """The sound a player would begin with: the one marked as default, else the first.

    One that cannot be decoded stands back behind one that can.
    """
    return min(
        container.streams.audio,
        key=lambda stream: (
            not decodable(stream),
            not stream.disposition & Disposition.default,
        ),
        default=None,
    )


def decodable(stream: Stream) -> bool:
    """Whether it is of a codec we take, and ffmpeg knows a decoder for it."""
    # The stubs promise a codec context; a stream without a known decoder has None.
    context: CodecContext | None = getattr(stream, "codec_context", None)
    return context is not None and context.name in codecs.VIDEO | codecs.SOUND


def refuse_too_many_pixels(width_px: int, height_px: int) -> None:
    """Raise `JobFailed` for a picture that does not fit."""
    # ffmpeg, told the limit when the file was opened, leaves a size beyond it at 0.
    if not 0 < width_px * height_px <= MAX_PIXELS:
        raise JobFailed(
            "input_unreadable",
            "The picture is larger than we can read. Export it at 8192 × 4320 or smaller.",
            detail=f"{width_px} × {height_px}",
        )


def timebase_of(stream: Stream) -> Fraction:
    """Seconds a tick. Raises `JobFailed` where there is none."""
    if not stream.time_base:
        raise JobFailed("input_unreadable", detail=f"stream {stream.index} has no timebase")
    return stream.time_base
