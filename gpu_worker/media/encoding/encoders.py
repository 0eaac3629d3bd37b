"""Which encoder makes a delivery, and how it is set."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.render.delivery import Codec, Delivery, Quality

_H264 = {
    Quality.DRAFT: {"preset": "ultrafast", "crf": "26"},
    Quality.STANDARD: {"preset": "veryfast", "crf": "20"},
    Quality.HIGH: {"preset": "medium", "crf": "17"},
}


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder by ffmpeg's name, its options, and the pixel format it is fed."""

    name: str
    options: Mapping[str, str]
    pixel_format: str
    threads: int


def cpu_encoder(delivery: Delivery, threads: int) -> Encoder:
    """The encoder that needs no accelerator."""
    return {Codec.H264: Encoder("libx264", _H264[delivery.quality], "yuv420p", threads)}[
        delivery.codec
    ]
