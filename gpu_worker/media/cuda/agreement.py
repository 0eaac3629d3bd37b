"""Whether the device makes the CPU's picture: asked of each render's first frame."""

from collections.abc import Callable, Iterator
from math import inf, log10
from typing import Final

import numpy as np
from av.video.frame import VideoFrame

from gpu_worker.media.picture.planes import samples_of

LEAST_PSNR_DB: Final = 45.0


class DeviceDisagrees(Exception):
    """What the device made is not what the CPU makes of the same input."""


def psnr_db(ours: VideoFrame, theirs: VideoFrame) -> float:
    """The least of the planes' PSNR of two frames; infinite where they are the same.

    Raises `DeviceDisagrees` where they have not even the same form.
    """
    forms = [(each.format.name, each.width, each.height) for each in (ours, theirs)]
    if forms[0] != forms[1]:
        raise DeviceDisagrees(f"the device makes {forms[0]}, the CPU {forms[1]}")
    bits = ours.format.components[0].bits
    least = inf
    for mine, other in zip(ours.planes, theirs.planes, strict=True):
        a, b = (samples_of(each, bits)[:, : each.width] for each in (mine, other))
        error = float(np.mean((a.astype(np.float64) - b) ** 2))
        if error > 0:
            least = min(least, 10 * log10(((1 << bits) - 1) ** 2 / error))
    return least


def vouched_for(
    frames: Iterator[VideoFrame],
    first_of_cpu: Callable[[], VideoFrame],
    remarked: Callable[[], bool],
) -> Iterator[VideoFrame]:
    """The device's frames, as long as they can be trusted to be the CPU's.

    The first is made on the CPU too. It costs a frame's time, and finds what no probe at the
    start can: a crop that a decoder does not apply, a profile it only seems to know. At the
    end, where the device had anything to remark about the input, what that was is for the
    CPU to find out. Raises `DeviceDisagrees`.
    """
    first = next(frames, None)
    if first is None:
        raise DeviceDisagrees("the device made no frame")
    alike_db = psnr_db(first, first_of_cpu())
    if alike_db < LEAST_PSNR_DB:
        raise DeviceDisagrees(f"the first frame is {alike_db:.1f} dB from the CPU's")
    yield first
    yield from frames
    if remarked():
        raise DeviceDisagrees("the device could not read all of the input")
