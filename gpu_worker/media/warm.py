"""Compiled code before it is needed: a process warmed once hands it to all its children."""

import numpy as np
from av.video.frame import VideoFrame

from gpu_worker.media.decoding.pictures import picture_of
from gpu_worker.media.layers.layer_kernels import blend
from gpu_worker.media.picture.colour import HLG, LIMITED, PQ, colours_of
from gpu_worker.media.picture.effects import Painter
from gpu_worker.media.picture.look import Look
from gpu_worker.media.picture.planes import Orientation
from gpu_worker.media.picture.resample import Resampler
from gpu_worker.media.picture.tone_mapping import SDR, ToneMap
from shared.render.cropping import Rect, Size
from shared.render.effects import Effect
from shared.render.regions import Region

_SIDE_PX = 64
_FORMATS = ("yuv420p", "yuv420p10le")
_ORIENTATIONS = (Orientation(), Orientation(transposed=True, mirrored_x=True))


def compile_kernels() -> None:
    """Run every kernel once on a small picture of each sort that videos come in.

    Compiles, or loads from NUMBA_CACHE_DIR what an earlier process has compiled. Starts no
    thread, so that the caller may fork afterwards.
    """
    size = Size(_SIDE_PX, _SIDE_PX)
    region = Region(0, 1, _SIDE_PX / 2, _SIDE_PX / 2, _SIDE_PX / 4, _SIDE_PX / 4)
    resampler = Resampler(size)
    for pixel_format in _FORMATS:
        for orientation in _ORIENTATIONS:
            look = Look(size, orientation, colours_of(2, 2, 2, LIMITED, 1), pixel_format, False)
            picture = picture_of(_grey(pixel_format), look)
            for effect in Effect:
                painted = Painter(effect, look).painted(picture, [region])
                resampler.frame(painted, Rect(0.5, 0.5, _SIDE_PX / 2, _SIDE_PX / 2))
    for transfer in (PQ, HLG):
        hdr = colours_of(2, 2, transfer, LIMITED, 1)
        look = Look(size, Orientation(), SDR, _FORMATS[1], False, ToneMap.of(hdr, 0, 0))
        picture_of(_grey(_FORMATS[1]), look)
    cover = np.zeros((1, 1), np.uint16)
    for depth in (np.uint8, np.uint16):
        blend(np.zeros((1, 1), depth), 0, 0, cover, cover, 1.0, 255.0)


def _grey(pixel_format: str) -> VideoFrame:
    frame = VideoFrame(_SIDE_PX, _SIDE_PX, pixel_format)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame
