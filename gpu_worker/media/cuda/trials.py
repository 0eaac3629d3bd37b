"""Tries what the GPU of this machine does, and says so line by line.

`python -m gpu_worker.media.cuda.trials` prints one JSON object a line: {"can": name} or
{"cannot": name, "why": …}; names are "warp", "decode <codec> <bits>" and "encode <codec>".
A process of its own: CUDA does not survive a fork, and a driver that hangs or dies takes only
this one along. What it has said by then counts. Nothing of a stranger's is opened here.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from io import BytesIO
from types import MappingProxyType
from typing import Any

import av
import numpy as np
from av.codec.hwaccel import HWAccel
from av.video.frame import VideoFrame

from gpu_worker.media.cuda.agreement import LEAST_PSNR_DB, DeviceDisagrees, psnr_db
from gpu_worker.media.cuda.device import open_device
from gpu_worker.media.cuda.effects import CudaEffects
from gpu_worker.media.cuda.encoders import cuda_encoder
from gpu_worker.media.cuda.resample import CudaResampler
from gpu_worker.media.cuda.samples import decoded_picture
from gpu_worker.media.decoding.pictures import picture_of
from gpu_worker.media.picture.colour import LIMITED, colours_of
from gpu_worker.media.picture.effects import Painter
from gpu_worker.media.picture.look import Look
from gpu_worker.media.picture.planes import Orientation, samples_of
from gpu_worker.media.picture.resample import Resampler
from shared.render.cropping import Rect, Size
from shared.render.delivery import Codec, Delivery
from shared.render.effects import Effect
from shared.render.regions import Region

Trial = Callable[[], object]

_SIDE_PX, _FRAMES, _RATE = 256, 4, 25
_SIZE = Size(_SIDE_PX, _SIDE_PX)
# A codec by ffmpeg's name and the bits of its samples → an encoder of the CPU's. AV1 is read
# by dav1d, which knows no device; ffmpeg's own decoder would need one for every file.
_CLIPS: Mapping[tuple[str, int], str] = MappingProxyType(
    {
        ("h264", 8): "libx264",
        ("hevc", 8): "libx265",
        ("hevc", 10): "libx265",
        ("vp9", 8): "libvpx-vp9",
    }
)


def trials() -> Iterator[tuple[str, Trial]]:
    """What can be tried, the most useful first, each by its name."""
    yield "warp", warp
    yield "encode h264", partial(encode, Codec.H264)
    for codec, bits in _CLIPS:
        yield f"decode {codec} {bits}", partial(decode, codec, bits)
    for other in (Codec.HEVC, Codec.AV1):
        yield f"encode {other.value}", partial(encode, other)


def outcomes(tried: Iterator[tuple[str, Trial]]) -> Iterator[dict[str, str]]:
    """What came of each trial, as it is said."""
    for name, trial in tried:
        try:
            trial()
        except Exception as error:  # noqa: BLE001 — whatever it is, it is why this cannot be
            yield {"cannot": name, "why": repr(error)[:300]}
        else:
            yield {"can": name}


def warp() -> None:
    """Run every kernel, and compare with the CPU's picture. Compiles them, for all to come."""
    device = open_device()
    region = Region(0, 1, 100.5, 90.25, 60, 45)
    for bits in (8, 10):
        look, frame = _look(bits), _texture(bits, 0)
        here = picture_of(frame, look)
        there = device.put_picture(here)
        for effect in Effect:
            ours = Painter(effect, look, CudaEffects(device)).painted(there, [region])
            theirs = Painter(effect, look).painted(here, [region])
            for rect in (Rect(3.3, 4.4, 120.5, 120.5), Rect(0, 0, _SIDE_PX, _SIDE_PX)):
                made = Resampler(_SIZE, CudaResampler(device)).frame(ours, rect)
                _compare(made, Resampler(_SIZE).frame(theirs, rect))


def decode(codec: str, bits: int) -> None:
    """Decode a clip on the device and on the CPU, and compare."""
    clip = _clip(_CLIPS[codec, bits], bits)
    look, device = _look(bits), open_device()
    accelerator = HWAccel("cuda", allow_software_fallback=False, is_hw_owned=True)
    with av.open(BytesIO(clip), "r", hwaccel=accelerator) as file:
        there = [decoded_picture(each, look, device.line) for each in file.decode(video=0)]
        resampled = Resampler(_SIZE, CudaResampler(device))
        ours = [resampled.frame(each, Rect(0, 0, _SIDE_PX, _SIDE_PX)) for each in there]
    with av.open(BytesIO(clip), "r") as file:
        whole = [picture_of(each, look) for each in file.decode(video=0)]
        theirs = [
            Resampler(_SIZE).frame(each, Rect(0, 0, _SIDE_PX, _SIDE_PX)) for each in whole
        ]
    if len(ours) != len(theirs):
        raise DeviceDisagrees(f"{len(ours)} frames for {len(theirs)}")
    for mine, other in zip(ours, theirs, strict=True):
        _compare(mine, other)


def encode(codec: Codec) -> None:
    """Encode a few frames with a delivery's settings, and have them decoded."""
    encoder = cuda_encoder(Delivery(codec=codec))
    clip = _encoded(encoder.name, dict(encoder.options), encoder.pixel_format, 8)
    with av.open(BytesIO(clip), "r") as file:
        made = list(file.decode(video=0))
    if len(made) != _FRAMES:
        raise DeviceDisagrees(f"{len(made)} frames for {_FRAMES}")


def _compare(ours: VideoFrame, theirs: VideoFrame) -> None:
    alike_db = psnr_db(ours, theirs)
    if alike_db < LEAST_PSNR_DB:
        raise DeviceDisagrees(f"{alike_db:.1f} dB from the CPU's picture")


def _look(bits: int) -> Look:
    colours = colours_of(1, 1, 1, LIMITED, 720)
    return Look(_SIZE, Orientation(), colours, _pixel_format(bits), chroma_centred=False)


def _pixel_format(bits: int) -> str:
    return "yuv420p" if bits == 8 else "yuv420p10le"


def _texture(bits: int, number: int) -> VideoFrame:
    """A picture with slopes and edges, moved on by its number."""
    frame = VideoFrame(_SIDE_PX, _SIDE_PX, _pixel_format(bits))
    for plane in frame.planes:
        rows, columns = np.mgrid[0 : plane.height, 0 : plane.width]
        wave = 0.5 + 0.4 * np.sin((rows + 3 * number) / 7.0) * np.cos(columns / 9.0)
        wave[rows // 16 % 4 == columns // 16 % 4] *= 0.7
        samples_of(plane, bits)[:, : plane.width] = wave * ((1 << bits) - 1)
    frame.pts, frame.time_base = number, Fraction(1, _RATE)
    return frame


def _clip(encoder: str, bits: int) -> bytes:
    return _encoded(encoder, {}, _pixel_format(bits), bits)


def _encoded(encoder: str, options: dict[str, str], pixel_format: str, bits: int) -> bytes:
    into = BytesIO()
    with av.open(into, "w", format="matroska") as file:
        stream: Any = file.add_stream(encoder, rate=_RATE, options=options)
        stream.width = stream.height = _SIDE_PX
        stream.pix_fmt = pixel_format
        for number in range(_FRAMES):
            file.mux(stream.encode(_texture(bits, number)))
        file.mux(stream.encode(None))
    return into.getvalue()


def main() -> None:
    """Try all, and say each outcome as soon as it is known."""
    for outcome in outcomes(trials()):
        print(json.dumps(outcome), flush=True)  # noqa: T201 — the process that started us reads


if __name__ == "__main__":
    main()
