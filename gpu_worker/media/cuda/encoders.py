"""NVENC's encoders, set to come out about as good as the CPU's of the same quality.

NVENC knows no crf; `cq` under `rc=vbr` without a bit rate is its constant quality, on the
scale of the codec's quantiser. It spends its bits less well than x264 does, so the numbers
lie two or three higher than the CPU's and the files come out larger.
"""

from gpu_worker.media.encoding.encoders import Encoder
from shared.render.cropping import Size
from shared.render.delivery import Codec, Delivery, Quality

NAMES = {Codec.H264: "h264_nvenc", Codec.HEVC: "hevc_nvenc", Codec.AV1: "av1_nvenc"}

# Preset, p1 the fastest and p7 the best, and constant quality.
_SET = {
    Codec.H264: {
        Quality.DRAFT: ("p2", "28"),
        Quality.STANDARD: ("p5", "22"),
        Quality.HIGH: ("p7", "19"),
    },
    Codec.HEVC: {
        Quality.DRAFT: ("p2", "29"),
        Quality.STANDARD: ("p5", "25"),
        Quality.HIGH: ("p7", "22"),
    },
    # AV1's quantiser runs to 255 where theirs ends at 51; ffmpeg takes cq up to 63.
    Codec.AV1: {
        Quality.DRAFT: ("p2", "40"),
        Quality.STANDARD: ("p5", "33"),
        Quality.HIGH: ("p7", "27"),
    },
}
# NVENC's guide: from 145 × 49 on for H.264 and a little more for AV1; H.264 ends at 4096.
_LEAST_PX = 160
_MOST_PX = {Codec.H264: 4096, Codec.HEVC: 8192, Codec.AV1: 8192}


def cuda_encoder(delivery: Delivery, bits: int = 8) -> Encoder:
    """NVENC's encoder of a delivery; samples of more than 8 bits stay 10 but in H.264."""
    preset, quality = _SET[delivery.codec][delivery.quality]
    deep = bits > 8 and delivery.codec is not Codec.H264
    return Encoder(
        name=NAMES[delivery.codec],
        options={
            "preset": preset,
            "tune": "hq",
            "rc": "vbr",
            "cq": quality,
            "b": "0",  # else ffmpeg's own 2 Mbit/s would bound the quality
            "spatial-aq": "1",
            "forced-idr": "1",
        },
        pixel_format="p010le" if deep else "yuv420p",
        threads=1,
        # Apple's players open HEVC by the name of hvc1 alone.
        tag="hvc1" if delivery.codec is Codec.HEVC else None,
    )


def takes(codec: Codec, output: Size) -> bool:
    """Whether NVENC encodes pictures of this size, on every GPU that has the codec."""
    sides = output.width_px, output.height_px
    return min(sides) >= _LEAST_PX and max(sides) <= _MOST_PX[codec]
