"""What each effect makes of the samples, before any crop or encoding."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gpu_worker.media.picture.colour import BT601, BT709, FULL, LIMITED, Colours
from gpu_worker.media.picture.effects import Painter
from gpu_worker.media.picture.look import Look
from gpu_worker.media.picture.planes import Axis, Orientation, Picture, Plane, subsampled
from shared.render.cropping import Size
from shared.render.effects import Effect, blur_sigma_px
from shared.render.regions import Region, covered
from tests.support.footage import Colour

Array = NDArray[Any]

SIZE = Size(320, 240)
BIG = Size(1280, 720)
RED = (255, 0, 0)


def look(size: Size = SIZE, matrix: int = BT709, colour_range: int = LIMITED) -> Look:
    colours = Colours(matrix, matrix, matrix, colour_range)
    return Look(size, Orientation(), colours, "yuv420p", chroma_centred=False)


def even(rgb: tuple[int, int, int], size: Size = SIZE, colour: Colour | None = None) -> Picture:
    """A picture of one colour."""
    codes = (colour or Colour()).planes_of(np.array(rgb))
    return shaped(
        *(
            np.full(
                (size.height_px // down, size.width_px // down), np.rint(float(code)), np.uint8
            )
            for code, down in zip(codes, (1, 2, 2), strict=True)
        )
    )


def shaped(y: Array, cb: Array, cr: Array) -> Picture:
    left, middle = subsampled(2, centred=False), subsampled(2, centred=True)
    return Picture(
        (Plane(y, Axis(1, 0), Axis(1, 0)), Plane(cb, left, middle), Plane(cr, left, middle)),
        8,
        full=False,
    )


def noisy(size: Size, seed: int = 1) -> Picture:
    """Blocks of 3 samples: as sharp as footage gets, sharper than a blur should leave."""
    rng = np.random.default_rng(seed)

    def plane(height: int, width: int) -> Array:
        blocks = rng.integers(16, 236, (height // 3 + 1, width // 3 + 1), np.uint8)
        return np.kron(blocks, np.ones((3, 3), np.uint8))[:height, :width].copy()

    half = size.height_px // 2, size.width_px // 2
    return shaped(plane(size.height_px, size.width_px), plane(*half), plane(*half))


def rgb_at(picture: Picture, x: int, y: int, colour: Colour | None = None) -> Array:
    luma, cb, cr = (plane.samples for plane in picture.planes)
    codes = luma[y, x], cb[y // 2, x // 2], cr[y // 2, x // 2]
    return (colour or Colour()).rgb_of(*(np.asarray(code) for code in codes))


def mask(regions: list[Region], size: Size, plane: Plane) -> Array:
    """m at each sample of a plane, by the plan's own formula, where it is neither 0 nor 1."""
    rows, columns = np.mgrid[: plane.samples.shape[0], : plane.samples.shape[1]]
    across = (columns + 0.5 - plane.x.shift) / plane.x.scale
    down = (rows + 0.5 - plane.y.shift) / plane.y.scale
    points = np.vectorize(lambda x, y: covered(regions, x, y))
    return np.asarray(points(across, down), float)


def full_size_gaussian(samples: Array, sigma: float) -> Array:
    reach = int(np.ceil(5 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    padded = np.pad(samples.astype(float), reach, mode="edge")
    down = sum(w * padded[k : k + samples.shape[0]] for k, w in enumerate(weights))
    return np.asarray(sum(w * down[:, k : k + samples.shape[1]] for k, w in enumerate(weights)))


@pytest.mark.parametrize("size", [BIG, SIZE, Size(1006, 1004)], ids=str)
def test_the_blur_is_the_full_size_gaussian_within_50_db(size: Size) -> None:
    source = noisy(size)
    corner = Region(0, 1, 0, 0, 1, 1)

    made = Painter(Effect.BLUR, look(size)).painted(source, [corner])

    for plane, blurred in zip(source.planes, made.planes, strict=True):
        sigma = blur_sigma_px(size) * plane.x.scale
        wanted = full_size_gaussian(plane.samples, sigma)[8:, 8:]  # past the corner's ellipse
        error = blurred.samples[8:, 8:].astype(float) - wanted
        assert 10 * np.log10(255**2 / np.mean(error**2)) >= 50


def test_blur_leaves_the_inside_as_it_is_and_mixes_by_opacity_outside() -> None:
    source = noisy(SIZE)
    regions = [Region(0, 1, 160, 120, 60, 40, opacity=0.5), Region(0, 1, 60, 60, 20, 20, 0.25)]

    made = Painter(Effect.BLUR, look()).painted(source, regions)

    whole = Painter(Effect.BLUR, look()).painted(source, [Region(0, 1, -50, -50, 1, 1)])
    for plane, result, blurred in zip(source.planes, made.planes, whole.planes, strict=True):
        m = mask(regions, SIZE, plane)
        assert np.array_equal(result.samples[m == 1], plane.samples[m == 1])
        mixed = plane.samples + 0.5 * (1 - m) * (blurred.samples.astype(float) - plane.samples)
        assert np.abs(result.samples - mixed).max() <= 1.01


def test_dark_overlay_dims_every_colour_alike_outside_alone() -> None:
    source = even((200, 120, 60))

    made = Painter(Effect.DARK_OVERLAY, look()).painted(
        source, [Region(0, 1, 160, 120, 50, 50, opacity=0.5)]
    )

    assert rgb_at(made, 10, 10) == pytest.approx([140, 84, 42], abs=3)
    assert rgb_at(made, 160, 120) == pytest.approx(rgb_at(source, 160, 120), abs=1e-9)


@pytest.mark.parametrize(
    "rgb",
    [(100, 80, 60), (230, 120, 40), (250, 250, 250), (255, 255, 0), (10, 10, 10)],
    ids=str,
)
def test_brightness_boost_clips_each_colour_at_white_inside_alone(
    rgb: tuple[int, int, int],
) -> None:
    source = even(rgb)

    made = Painter(Effect.BRIGHTNESS_BOOST, look()).painted(
        source, [Region(0, 1, 160, 120, 50, 50)]
    )

    wanted = np.minimum(np.array(rgb) * 1.35, 255)
    assert rgb_at(made, 160, 120) == pytest.approx(wanted, abs=3)
    assert rgb_at(made, 10, 10) == pytest.approx(rgb_at(source, 10, 10), abs=1e-9)


def test_tint_mixes_each_region_s_own_colour_in_list_order() -> None:
    source = even((100, 100, 100))
    regions = [
        Region(0, 1, 140, 120, 50, 50, color=RED),
        Region(0, 1, 180, 120, 50, 50, opacity=0.5, color=(0, 0, 255)),
    ]

    made = Painter(Effect.TINT, look()).painted(source, regions)

    first = np.array([100, 100, 100]) * 0.65 + np.array(RED) * 0.35
    assert rgb_at(made, 100, 120) == pytest.approx(first, abs=3)
    both = first * 0.825 + np.array([0, 0, 255]) * 0.175
    assert rgb_at(made, 160, 120) == pytest.approx(both, abs=3)
    assert rgb_at(made, 20, 20) == pytest.approx(rgb_at(source, 20, 20), abs=1e-9)


@pytest.mark.parametrize("matrix", [BT709, BT601])
@pytest.mark.parametrize("colour_range", [LIMITED, FULL])
def test_d132_a_red_outline_is_red_in_every_matrix_and_range(
    matrix: int, colour_range: int
) -> None:
    colour = Colour(matrix, colour_range)
    source = even((90, 120, 150), BIG, colour)

    made = Painter(Effect.OUTLINE, look(BIG, matrix, colour_range)).painted(
        source, [Region(0, 1, 640, 360, 200, 100, color=RED)]
    )

    # 0.5 % of 720 is 3.6 px wide: the sample on the edge itself is all ring.
    assert rgb_at(made, 840, 360, colour) == pytest.approx(RED, abs=3)
    assert rgb_at(made, 640, 360, colour) == pytest.approx((90, 120, 150), abs=3)


@pytest.mark.parametrize("effect", Effect)
def test_a_frame_without_active_regions_is_left_alone(effect: Effect) -> None:
    source = noisy(SIZE)

    made = Painter(effect, look()).painted(source, [])

    assert made is source


@pytest.mark.parametrize("effect", [each for each in Effect if each is not Effect.NONE])
def test_the_decoder_s_own_samples_are_never_written(effect: Effect) -> None:
    source = noisy(SIZE)
    before = [plane.samples.copy() for plane in source.planes]

    Painter(effect, look()).painted(source, [Region(0, 1, 160, 120, 50, 50)])

    for plane, kept in zip(source.planes, before, strict=True):
        assert np.array_equal(plane.samples, kept)


def deepened(source: Picture, *, full: bool) -> Picture:
    """The same picture in 10 bits: of limited range 4 codes for one, of full 1023/255."""
    unit, grey = (1023 / 255, 512) if full else (4.0, 512)
    y, cb, cr = (
        replace(
            plane,
            samples=np.clip(np.rint((plane.samples - middle) * unit + own), 0, 1023).astype(
                np.uint16
            ),
        )
        for plane, middle, own in zip(
            source.planes, (0.0, 128.0, 128.0), (0, grey, grey), strict=True
        )
    )
    return Picture((y, cb, cr), 10, full=full)


@pytest.mark.parametrize("colour_range", [LIMITED, FULL], ids=["limited", "full"])
@pytest.mark.parametrize("effect", [each for each in Effect if each is not Effect.NONE])
def test_ten_bit_pictures_get_the_same_effect(effect: Effect, colour_range: int) -> None:
    full = colour_range == FULL
    source = replace(noisy(SIZE), full=full)
    deep = deepened(source, full=full)
    regions = [Region(0, 1, 160, 120, 50, 50, color=RED)]
    seen = look(colour_range=colour_range)

    made = Painter(effect, seen).painted(deep, regions)

    shallow = Painter(effect, seen).painted(source, regions)
    wanted = deepened(shallow, full=full)
    for ten, eight in zip(made.planes, wanted.planes, strict=True):
        # Half a code of 8 bits is two of ten, and what is worked with was itself rounded.
        assert np.abs(ten.samples - eight.samples.astype(float)).max() <= 3.6


@pytest.mark.parametrize("colour_range", [LIMITED, FULL], ids=["limited", "full"])
def test_the_blur_of_10_bits_is_the_full_size_gaussian_within_50_db(colour_range: int) -> None:
    source = deepened(noisy(SIZE), full=colour_range == FULL)
    seen = look(colour_range=colour_range)

    made = Painter(Effect.BLUR, seen).painted(source, [Region(0, 1, 0, 0, 1, 1)])

    for plane, blurred in zip(source.planes, made.planes, strict=True):
        sigma = blur_sigma_px(SIZE) * plane.x.scale
        wanted = full_size_gaussian(plane.samples, sigma)[8:, 8:]
        error = blurred.samples[8:, 8:].astype(float) - wanted
        assert 10 * np.log10(1023**2 / np.mean(error**2)) >= 50


@pytest.mark.parametrize("edge_px", [1.0, 30.0])
def test_a_feathered_blur_leaves_the_inside_as_it_is_and_mixes_by_the_mask(
    edge_px: float,
) -> None:
    source = noisy(SIZE)
    regions = [Region(0, 1, 160, 120, 60, 40, edge_px=edge_px)]

    made = Painter(Effect.BLUR, look()).painted(source, regions)

    whole = Painter(Effect.BLUR, look()).painted(source, [Region(0, 1, -50, -50, 1, 1)])
    for plane, result, blurred in zip(source.planes, made.planes, whole.planes, strict=True):
        m = mask(regions, SIZE, plane)
        assert np.array_equal(result.samples[m == 1], plane.samples[m == 1])
        mixed = plane.samples + (1 - m) * (blurred.samples.astype(float) - plane.samples)
        assert np.abs(result.samples - mixed).max() <= 1.01


@pytest.mark.parametrize("effect", [each for each in Effect if each is not Effect.NONE])
def test_what_is_painted_on_a_canvas_is_what_is_painted_anywhere(effect: Effect) -> None:
    source = noisy(SIZE)
    regions = [Region(0, 1, 160, 120, 50, 30, color=RED, edge_px=5.0)]
    canvas = noisy(SIZE, seed=2)

    made = Painter(effect, look()).painted(source, regions, canvas)

    assert made is canvas
    elsewhere = Painter(effect, look()).painted(source, regions)
    for plane, other in zip(canvas.planes, elsewhere.planes, strict=True):
        assert np.array_equal(plane.samples, other.samples)


def test_a_turned_picture_is_painted_as_one_turned_beforehand() -> None:
    upright, orientation = noisy(SIZE), Orientation(transposed=True, mirrored_x=True)
    y, cb, cr = (orientation.placed(plane, SIZE) for plane in upright.planes)
    turned = replace(upright, planes=(y, cb, cr))
    y, cb, cr = (
        replace(plane, samples=np.ascontiguousarray(plane.samples)) for plane in turned.planes
    )
    beforehand = replace(turned, planes=(y, cb, cr))
    regions = [Region(0, 1, 100, 160, 50, 70)]

    made = Painter(Effect.BLUR, look()).painted(turned, regions)

    wanted = Painter(Effect.BLUR, look()).painted(beforehand, regions)
    for plane, other in zip(made.planes, wanted.planes, strict=True):
        assert np.array_equal(plane.samples, other.samples)
