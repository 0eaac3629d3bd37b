"""Which encoder makes a delivery, and how it is set: the tables of `docs/deliveries.md`.

Every frame group is closed and its settings depend on the delivery and the threads alone, so
that parts of one export, encoded apart, join without being encoded again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from av.video.format import VideoFormat

from shared.errors import JobFailed
from shared.render.delivery import Codec, Delivery, Quality

# Preset and constant quality. What each costs in time and bytes is in `docs/deliveries.md`.
_H264 = {
    Quality.DRAFT: ("ultrafast", "26"),
    Quality.STANDARD: ("veryfast", "20"),
    Quality.HIGH: ("medium", "17"),
}
_HEVC = {
    Quality.DRAFT: ("ultrafast", "26"),
    Quality.STANDARD: ("veryfast", "23"),
    Quality.HIGH: ("medium", "20"),
}
# Presets from 10 up are not for pictures that people look at, as the encoder itself warns.
_AV1 = {
    Quality.DRAFT: ("9", "43"),
    Quality.STANDARD: ("8", "35"),
    Quality.HIGH: ("6", "26"),
}

# x265 keeps whole frames for each frame thread; more than these bring memory and no speed.
_MOST_FRAME_THREADS = 4
_FASTEST_AV1 = 240  # SVT-AV1 opens for no more
_MOST_PARALLELISM = 6  # the largest `lp` SVT-AV1 knows


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder by ffmpeg's name, its options, and the pixel format it is fed.

    `tag` is the sample entry's four letters where the container's own choice is not wanted.
    """

    name: str
    options: Mapping[str, str]
    pixel_format: str
    threads: int
    tag: str | None = None


def refuse_too_fast(delivery: Delivery, rate: Fraction) -> None:
    """Raise `JobFailed` with `invalid_request` where the codec has no such frame rate."""
    if delivery.codec is Codec.AV1 and rate > _FASTEST_AV1:
        raise JobFailed(
            "invalid_request",
            f"AV1 has at most {_FASTEST_AV1} frames a second and this video has "
            f"{float(rate):g}. Choose h264 or hevc.",
        )


def bits_for(delivery: Delivery, pixel_format: str) -> int:
    """8, or 10 where the input has more and the codec's players show more."""
    deep = VideoFormat(pixel_format).components[0].bits > 8
    return 10 if deep and delivery.codec is not Codec.H264 else 8


def cpu_encoder(delivery: Delivery, threads: int, bits: int = 8) -> Encoder:
    """The encoder that needs no accelerator.

    `bits` are those of a sample that comes in. More than 8 stay 10 in HEVC and AV1; H.264 is
    always 8, for few players show more of it.
    """
    deep = "yuv420p10le" if bits > 8 else "yuv420p"
    match delivery.codec:
        case Codec.H264:
            preset, crf = _H264[delivery.quality]
            return Encoder("libx264", {"preset": preset, "crf": crf}, "yuv420p", threads)
        case Codec.HEVC:
            # Apple's players open HEVC by the name of hvc1 alone.
            return Encoder("libx265", _hevc_options(delivery, threads), deep, threads, "hvc1")
        case Codec.AV1:
            return Encoder("libsvtav1", _av1_options(delivery, threads), deep, threads)


def _hevc_options(delivery: Delivery, threads: int) -> dict[str, str]:
    preset, crf = _HEVC[delivery.quality]
    said = {
        "log-level": "none",
        "info": "0",  # a message in the parameter sets that names the machine's threads
        "open-gop": "0",
        "pools": str(threads),
        "frame-threads": str(min(threads, _MOST_FRAME_THREADS)),
    }
    return {"preset": preset, "crf": crf, "x265-params": _joined(said)}


def _av1_options(delivery: Delivery, threads: int) -> dict[str, str]:
    preset, crf = _AV1[delivery.quality]
    said = {"lp": str(min(1 + threads // 4, _MOST_PARALLELISM))}
    return {"preset": preset, "crf": crf, "svtav1-params": _joined(said)}


def _joined(said: Mapping[str, str]) -> str:
    return ":".join(f"{name}={value}" for name, value in said.items())
