"""Of an HDR frame only the part that is shown is converted, and no one can tell."""

from itertools import product

import numpy as np
import pytest
from av.video.frame import VideoFrame

from gpu_worker.media.cpu_engine import _read_around
from gpu_worker.media.decoding.pictures import picture_of
from gpu_worker.media.picture.colour import HLG, LIMITED, colours_of
from gpu_worker.media.picture.look import Look
from gpu_worker.media.picture.planes import Orientation, samples_of
from gpu_worker.media.picture.resample import Resampler
from gpu_worker.media.picture.tone_mapping import SDR, ToneMap
from shared.render.cropping import Rect, Size

WAYS = [Orientation(*way) for way in product((False, True), repeat=3)]


def noise(width: int, height: int) -> VideoFrame:
    chance = np.random.default_rng(5)
    made = VideoFrame(width, height, "yuv420p10le")
    for plane, (low, high) in zip(
        made.planes, ((64, 941), (400, 625), (400, 625)), strict=True
    ):
        target = samples_of(plane, 10)
        target[:] = chance.integers(low, high, target.shape)
    return made


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("rect", [Rect(140.3, 100.7, 60, 90), Rect(0, 0, 60, 90)], ids=str)
@pytest.mark.parametrize("stretch", [1.0, 4 / 3])
def test_a_crop_of_a_part_is_the_crop_of_the_whole(
    way: Orientation, rect: Rect, stretch: float
) -> None:
    width, height = 401, 303
    shown = (height, width) if way.transposed else (width, height)
    tone_map = ToneMap.of(colours_of(2, 2, HLG, LIMITED, height), 0, 0)
    displayed = Size(round(shown[0] * stretch), shown[1])
    look = Look(displayed, way, SDR, "yuv420p10le", False, tone_map)
    frame, output = noise(width, height), Size(80, 120)
    resampler = Resampler(output)

    whole = picture_of(frame, look)
    part = picture_of(frame, look, _read_around(rect, output))

    assert part.planes[0].samples.size < whole.planes[0].samples.size
    for a, b in zip(
        resampler.frame(whole, rect).planes, resampler.frame(part, rect).planes, strict=True
    ):
        assert np.array_equal(samples_of(a)[:, : a.width], samples_of(b)[:, : b.width])
