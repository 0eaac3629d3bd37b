"""Planes brought to one size each, for the one conversion to R'G'B' there is.

By the resampler that makes the videos, from where the samples lie in the displayed picture.
"""

import numpy as np
from av.video.frame import VideoFrame

from gpu_worker.media.picture.colour import Colours
from gpu_worker.media.picture.planes import (
    Array,
    Picture,
    Plane,
    grey_of,
    samples_of,
)
from gpu_worker.media.picture.resample import PlaneResampler, Span
from gpu_worker.media.picture.rgb import full_size, rgb_of
from shared.render.cropping import Size


def picture_rgb(
    picture: Picture, colours: Colours, shown: Size, size: Size, resampler: PlaneResampler
) -> Array:
    """A picture displayed at `shown`, at another size: (height, width, 3), uint8, R'G'B'."""
    gain = 1 / picture.unit
    colourless = grey_of(8) - grey_of(picture.bits) * gain  # not 0 for 10 bits, full range
    y, cb, cr = picture.planes
    planes = [
        plane_at(plane, shown, size, resampler, gain, bias)
        for plane, bias in ((y, 0.0), (cb, colourless), (cr, colourless))
    ]
    return rgb_of(planes, colours)


def output_rgb(frame: VideoFrame, colours: Colours) -> Array:
    """An output frame of an engine, as its encoder is given it: (height, width, 3), uint8.

    Luma is taken as it is; 4:2:0 chroma, left-sited, is interpolated once.
    """
    bits = frame.format.components[0].bits
    y, cb, cr = (samples_of(plane, bits)[:, : plane.width] for plane in frame.planes)
    whole = (y, full_size(cb, *y.shape), full_size(cr, *y.shape))
    return rgb_of(whole, colours, bits)


def plane_at(
    plane: Plane,
    shown: Size,
    size: Size,
    resampler: PlaneResampler,
    gain: float = 1.0,
    bias: float = 0.0,
) -> Array:
    """One plane of a picture displayed at `shown`, with a sample for each pixel of `size`.

    uint8: the plane's own times `gain`, plus `bias`.
    """
    made = np.empty((size.height_px, size.width_px), np.uint8)
    across, down = shown.width_px / size.width_px, shown.height_px / size.height_px
    resampler(
        plane.samples,
        Span(float(plane.x.shift), plane.x.scale * across, size.width_px),
        Span(float(plane.y.shift), plane.y.scale * down, size.height_px),
        gain,
        made,
        bias,
    )
    return made
