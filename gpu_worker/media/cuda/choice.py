"""What of one render the GPU does, of what it can do: values in, values out."""

from dataclasses import dataclass
from types import MappingProxyType

from gpu_worker.hardware import Hardware
from gpu_worker.media.cuda.encoders import takes
from gpu_worker.media.decoding.footage import Source
from shared.render.delivery import Delivery
from shared.render.plan import Plan

# What NVDEC makes of these is what our decoders make of them, sample for sample, in 4:2:0.
# JPEG's own range comes under a name of its own; the range is told apart from the samples.
_BITS = MappingProxyType({"yuv420p": 8, "yuvj420p": 8, "yuv420p10le": 10})
_LEAST_DECODED_PX = 144  # the largest of the least sides that NVDEC states for any codec


@dataclass(frozen=True, slots=True)
class Choice:
    """Where each step runs: True for the GPU. What it decodes, it also warps."""

    decode: bool = False
    warp: bool = False
    encode: bool = False

    @property
    def any(self) -> bool:
        """Whether the GPU does anything."""
        return self.warp or self.encode


def chosen(hardware: Hardware, source: Source, plan: Plan, delivery: Delivery) -> Choice:
    """What the GPU does of this render: all it can.

    A frame decoded there and warped here would cross the bus for nothing, since decoding is
    the least of a render's work: so it decodes only what it warps.
    """
    return Choice(
        decode=hardware.warps and decodable(source) in hardware.decodes,
        warp=hardware.warps,
        encode=delivery.codec.value in hardware.encodes and takes(delivery.codec, plan.output),
    )


def decodable(source: Source) -> str | None:
    """The name `Hardware.decodes` has for a source; None where no device decodes it as we do.

    Chroma of an odd side has no whole samples in NVDEC's formats. HDR is brought to SDR, and
    fields to pictures, where the CPU has decoded them.
    """
    look = source.look
    if look.tone_map is not None or look.interlaced:
        return None
    bits = _BITS.get(look.pixel_format)
    sides = look.displayed.width_px, look.displayed.height_px
    if bits is None or min(sides) < _LEAST_DECODED_PX or any(side % 2 for side in sides):
        return None
    return f"{source.video.codec} {bits}"
