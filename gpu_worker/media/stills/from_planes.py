"""Planes brought to one size each, for the one conversion to R'G'B' there is.

By the resampler that makes the videos, from where the samples lie in the displayed picture.
"""

import numpy as np
from av.video.frame import VideoFrame

from gpu_worker.media.picture.colour import Colours
from gpu_worker.media.picture.planes import Array, Picture, Plane, samples_of
from gpu_worker.media.picture.resample import PlaneResampler, Span
from gpu_worker.media.picture.rgb import full_size, rgb_of
from shared.render.cropping import Size


def picture_rgb(
    picture: Picture, colours: Colours, shown: Size, size: Size, resampler: PlaneResampler
) -> Array:
    """A picture displayed at `shown`, at another size: (height, width, 3), uint8, R'G'B'."""
    gain = 1 / picture.unit
    planes = [plane_at(each, shown, size, gain, resampler) for each in picture.planes]
    return rgb_of(planes, colours)


def output_rgb(frame: VideoFrame, colours: Colours) -> Array:
    """An output frame of an engine, as its encoder is given it: (height, width, 3), uint8.

    Luma is taken as it is; 4:2:0 chroma, left-sited, is interpolated once.
    """
    bits = frame.format.components[0].bits
    y, cb, cr = (samples_of(plane, bits)[:, : plane.width] for plane in frame.planes)
    unit = ((1 << bits) - 1) / 255 if colours.full else float(1 << (bits - 8))
    return rgb_of((y, full_size(cb, *y.shape), full_size(cr, *y.shape)), colours, unit)


def plane_at(
    plane: Plane, shown: Size, size: Size, gain: float, resampler: PlaneResampler
) -> Array:
    """One plane of a picture displayed at `shown`, with a sample for each pixel of `size`."""
    made = np.empty((size.height_px, size.width_px), np.uint8)
    across, down = shown.width_px / size.width_px, shown.height_px / size.height_px
    resampler(
        plane.samples,
        Span(float(plane.x.shift), plane.x.scale * across, size.width_px),
        Span(float(plane.y.shift), plane.y.scale * down, size.height_px),
        gain,
        made,
    )
    return made
