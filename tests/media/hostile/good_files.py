"""Small files that are what they say: what most hostile ones are made from."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from PIL import Image

from tests.media.hostile.fonts_written import font

WIDTH, HEIGHT, RATE, FRAMES = 64, 48, 25, 8
_SOUND_RATE = 48_000


@dataclass(frozen=True, slots=True)
class Sort:
    """A container with its codecs, by ffmpeg's names; every frame decodes alone."""

    container: str
    video: str
    sound: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    pixel_format: str = "yuv420p"


SORTS: Mapping[str, Sort] = {
    "mp4": Sort("mp4", "libx264", "aac", {"preset": "ultrafast", "g": "1"}),
    "mp4 silent": Sort("mp4", "libx264", None, {"preset": "ultrafast", "g": "1"}),
    "mov": Sort("mov", "libx264", "pcm_s16le", {"preset": "ultrafast", "g": "1"}),
    "mkv": Sort("matroska", "libx264", "flac", {"preset": "ultrafast", "g": "1"}),
    "webm vp9": Sort("webm", "libvpx-vp9", None, {"g": "1", "deadline": "realtime"}),
    "webm vp8": Sort("webm", "libvpx", None, {"g": "1", "deadline": "realtime"}),
    "hevc": Sort(
        "mp4",
        "libx265",
        None,
        {"preset": "ultrafast", "x265-params": "log-level=none:keyint=1"},
    ),
    "av1": Sort("matroska", "libsvtav1", None, {"preset": "12", "svtav1-params": "keyint=1"}),
    "avi": Sort("avi", "mpeg4", "pcm_s16le", {"g": "1"}),
    "avi mjpeg": Sort("avi", "mjpeg", None, {}, "yuvj420p"),
    "mov png": Sort("mov", "png", None, {}, "rgb24"),
    "mov prores": Sort("mov", "prores_ks", None, {}, "yuv422p10le"),
}


class GoodFiles:
    """Each made once, when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[str, bytes] = {}

    def clip(self, sort: str) -> bytes:
        """A video of eight frames of 64 × 48, of one of `SORTS`."""
        return self._once(sort, lambda: _clip(SORTS[sort]))

    def image(self, form: str, **options: Any) -> bytes:
        """A picture of 64 × 48 as Pillow saves it in a format."""
        return self._once(f"{form} {sorted(options)}", lambda: _image(form, options))

    def font(self) -> bytes:
        """A font of the letters A to Z, each a box."""
        return self._once("font", font)

    def _once(self, name: str, make: Callable[[], bytes]) -> bytes:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]


def _image(form: str, options: Mapping[str, Any]) -> bytes:
    rows = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    into = io.BytesIO()
    Image.fromarray(rows).convert("RGB").save(into, form, **options)
    return into.getvalue()


def _clip(sort: Sort) -> bytes:
    into = io.BytesIO()
    with av.open(into, "w", format=sort.container) as file:
        video = file.add_stream(sort.video, rate=RATE, options=dict(sort.options))
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, sort.pixel_format
        sound = file.add_stream(sort.sound, rate=_SOUND_RATE) if sort.sound else None
        for number in range(FRAMES):
            file.mux(video.encode(_picture(number, sort.pixel_format)))
        file.mux(video.encode(None))
        if sound is not None:
            for at in range(0, _SOUND_RATE * FRAMES // RATE, 1024):
                file.mux(sound.encode(_hum(at, sound.codec_context.format.name)))
            file.mux(sound.encode(None))
    return into.getvalue()


def _picture(number: int, pixel_format: str) -> VideoFrame:
    rows = np.tile(np.linspace(16, 200, WIDTH).astype(np.uint8), (HEIGHT, 1)) + number
    frame = VideoFrame.from_ndarray(np.repeat(rows[..., None], 3, 2), "rgb24")
    made = frame.reformat(format=pixel_format)
    made.pts, made.time_base = number, Fraction(1, RATE)
    return made


def _hum(at: int, sample_format: str) -> AudioFrame:
    tone = 0.2 * np.sin(np.arange(at, at + 1024) * 0.05)
    planar = AudioFrame.from_ndarray(tone.astype(np.float32)[None], "fltp", "mono")
    planar.sample_rate, planar.pts = _SOUND_RATE, at
    planar.time_base = Fraction(1, _SOUND_RATE)
    (made,) = av.AudioResampler(sample_format, "mono", _SOUND_RATE).resample(planar)
    made.pts, made.time_base = at, Fraction(1, _SOUND_RATE)
    return made


def repacked(
    clip: bytes, container: str, change: Callable[[int, bytes], bytes], **stream: Any
) -> bytes:
    """A video's packets written anew, each as `change(number, bytes)` makes it.

    `stream`: what its stream's codec context is to say besides.
    """
    into = io.BytesIO()
    with av.open(io.BytesIO(clip)) as source, av.open(into, "w", format=container) as file:
        old = source.streams.video[0]
        new = file.add_stream_from_template(old, opaque=True)
        for name, value in stream.items():
            setattr(new.codec_context, name, value)
        for number, packet in enumerate(source.demux(old)):
            if not packet.size:
                continue
            made = av.Packet(change(number, bytes(packet)))
            made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
            made.time_base, made.stream = packet.time_base, new
            made.is_keyframe = packet.is_keyframe
            file.mux(made)
    return into.getvalue()
