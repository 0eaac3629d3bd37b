"""Pictures laid over finished frames, sample by sample, against sums in float64."""

from fractions import Fraction

import numpy as np
import pytest
from av.video.frame import VideoFrame
from PIL import Image

from gpu_worker.media.layers.drawing import LayerDrawing
from gpu_worker.media.layers.images import placed_image
from gpu_worker.media.picture.colour import FULL, LIMITED, colours_of
from gpu_worker.media.picture.planes import samples_of
from shared.render.cropping import Rect, Size
from shared.render.layers import Layer, Picture
from shared.render.plan import Footage, plan_framing

OUTPUT = Size(64, 48)
WHOLE = Rect(0, 0, 64, 48)
BITS = {"yuv420p": 8, "yuv420p10le": 10}


def plan_of(*layers):
    footage = Footage(Size(64, 48), Fraction(25), 50, Fraction(2))
    return plan_framing(footage, OUTPUT, ()).with_layers(layers)


def frame_of(pixel_format, seed=1, value=None):
    """A frame of noise within limited range, or of one 8-bit value."""
    bits = BITS[pixel_format]
    random = np.random.default_rng(seed)
    frame = VideoFrame(OUTPUT.width_px, OUTPUT.height_px, pixel_format)
    for plane in frame.planes:
        samples = samples_of(plane, bits)
        noise = random.integers(16 << (bits - 8), 235 << (bits - 8), samples.shape)
        samples[:] = noise if value is None else value << (bits - 8)
    return frame


def planes_of(frame):
    bits = frame.format.components[0].bits
    return [samples_of(plane, bits)[:, : plane.width].copy() for plane in frame.planes]


def colours(colour_range=LIMITED, matrix=1):
    return colours_of(matrix, 1, 1, colour_range, 1080)


def logo(width, height, seed=2):
    """Smooth colours and a smooth alpha, RGBA."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (4, 5, 4), np.uint8)
    return Image.fromarray(small, "RGBA").resize((width, height), Image.Resampling.BICUBIC)


def drawn(frame, *placed, layers=None, n=0, tags=None):
    arts = [placed_image(image, rect, OUTPUT) for image, rect in placed]
    plan = plan_of(*(layers or [Layer(Picture())] * len(arts)))
    LayerDrawing(plan, arts, tags or colours())(n, frame)
    return planes_of(frame)


def oracle(before, image, tags, bits, opacity=1.0):
    """Over a whole frame: luma sample by sample; chroma by 1, 2, 1 along and 1, 1 down."""
    rgba = np.asarray(image, np.float64) / 255
    alpha = rgba[..., 3] * opacity
    codes = np.empty((*alpha.shape, 3))
    for at in np.ndindex(alpha.shape):
        codes[at] = tags.codes(*(rgba[at][:3] * 255))
    grey = np.array([0, 128, 128])
    # No colour is half of all codes, in either range: not half of the largest.
    codes = (codes - grey) * (((1 << bits) - 1) / 255 if tags.full else 1 << (bits - 8))
    codes += grey * (1 << (bits - 8))
    made = [before[0] * (1 - alpha) + codes[..., 0] * alpha]
    for plane, channel in zip(before[1:], (1, 2), strict=True):
        out = np.empty(plane.shape)
        for v, u in np.ndindex(plane.shape):
            rows = (2 * v, 2 * v, 2 * v + 1, 2 * v + 1, 2 * v, 2 * v + 1)
            columns = (max(2 * u - 1, 0), 2 * u + 1) * 2 + (2 * u, 2 * u)
            weights = np.array([1, 1, 1, 1, 2, 2]) / 8
            a = alpha[rows, columns]
            colour = codes[rows, columns, channel]
            out[v, u] = plane[v, u] * (1 - weights @ a) + weights @ (a * colour)
        made.append(out)
    return made


@pytest.mark.parametrize("pixel_format", BITS)
@pytest.mark.parametrize("tags", [colours(), colours(FULL), colours(matrix=6)])
def test_a_layer_is_blended_within_half_a_level_of_the_sum_in_float64(pixel_format, tags):
    frame, image = frame_of(pixel_format), logo(64, 48)
    before = planes_of(frame)
    after = drawn(frame, (image, WHOLE), layers=[Layer(Picture(), opacity=0.7)], tags=tags)
    expected = oracle(before, image, tags, BITS[pixel_format], 0.7)
    for made, wanted in zip(after, expected, strict=True):
        assert np.abs(made - wanted).max() < 0.56


def test_an_opaque_picture_of_its_own_size_replaces_the_frame():
    image = Image.new("RGB", (64, 48), (255, 0, 0))
    y, cb, cr = drawn(frame_of("yuv420p"), (image, WHOLE))
    assert [set(plane.ravel()) for plane in (y, cb, cr)] == [{63}, {102}, {240}]


@pytest.mark.parametrize(("x", "y"), [(10.0, 8.0), (10.25, 8.5), (10.7, 8.9), (11.0, 9.0)])
def test_a_picture_lies_where_it_is_put_to_a_fraction_of_a_pixel(x, y):
    white = Image.new("RGB", (9, 7), (255, 255, 255))
    luma, *_ = drawn(frame_of("yuv420p", value=16), (white, Rect(x, y, 9, 7)))
    light = luma.astype(float) - 16
    across, down = np.arange(64) + 0.5, np.arange(48) + 0.5
    assert (light.sum(0) @ across) / light.sum() == pytest.approx(x + 4.5, abs=0.01)
    assert (light.sum(1) @ down) / light.sum() == pytest.approx(y + 3.5, abs=0.01)
    assert light.sum() == pytest.approx(9 * 7 * 219, rel=0.003)


def test_chroma_lies_where_luma_does():
    red = Image.new("RGB", (10, 8), (255, 0, 0))
    grey = frame_of("yuv420p", value=128)
    _, _, cr = drawn(grey, (red, Rect(20.5, 14.5, 10, 8)))
    colour = cr.astype(float) - 128
    sites = 2 * np.arange(32) + 0.5  # left-sited: on the first pixel of two
    rows = 2 * np.arange(24) + 1.0
    assert (colour.sum(0) @ sites) / colour.sum() == pytest.approx(25.5, abs=0.02)
    assert (colour.sum(1) @ rows) / colour.sum() == pytest.approx(18.5, abs=0.02)


def test_a_clear_edge_leaves_no_fringe_though_clear_pixels_are_black():
    samples = np.zeros((40, 40, 4), np.uint8)
    samples[10:30, 10:30] = 255
    soft = Image.fromarray(samples, "RGBA")
    y, *_ = drawn(frame_of("yuv420p", value=235), (soft, Rect(5.3, 4.6, 27.4, 27.4)))
    assert y.min() >= 234


def test_what_lies_outside_is_cut_and_what_lies_wholly_outside_is_nothing():
    white = Image.new("RGB", (20, 20), (255, 255, 255))
    y, *_ = drawn(frame_of("yuv420p", value=16), (white, Rect(-10, 38, 20, 20)))
    assert (y[38:, :10] == 235).all()
    assert (y[:38] == 16).all()
    assert (y[:, 10:] == 16).all()
    assert placed_image(white, Rect(64, 0, 20, 20), OUTPUT) is None
    assert placed_image(white, Rect(-30, 0, 20, 20), OUTPUT) is None


def test_later_layers_lie_over_earlier_ones():
    white, black = (Image.new("RGB", (20, 20), (v, v, v)) for v in (255, 0))
    y, *_ = drawn(
        frame_of("yuv420p", value=100),
        (white, Rect(0, 0, 20, 20)),
        (black, Rect(10, 10, 20, 20)),
    )
    assert (y[5, 5], y[15, 15], y[25, 25], y[40, 40]) == (235, 16, 16, 100)


@pytest.mark.parametrize(
    ("n", "luma"), [(9, 16), (10, 16 + 27), (11, 16 + 82), (13, 16 + 192), (14, 235), (19, 235)]
)
def test_a_fade_is_exact_on_each_frame(n, luma):
    white = Image.new("RGB", (64, 48), (255, 255, 255))
    fading = Layer(Picture(), start_frame=10, end_frame=20, fade_in=4)
    y, *_ = drawn(frame_of("yuv420p", value=16), (white, WHOLE), layers=[fading], n=n)
    assert set(y.ravel()) == {luma}


def test_a_frame_without_layers_is_left_as_it_is():
    frame = frame_of("yuv420p")
    before = planes_of(frame)
    late = Layer(Picture(), start_frame=30, end_frame=31)
    after = drawn(frame, (logo(64, 48), WHOLE), layers=[late], n=29)
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


def test_shrinking_does_not_alias():
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    y, *_ = drawn(frame_of("yuv420p"), (Image.fromarray(stripes), Rect(0.3, 0, 63, 48)))
    assert np.ptp(y[:, 2:61]) <= 2
