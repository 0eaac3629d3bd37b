"""The resampler against a direct float64 Lanczos sum, on planes before any encoding."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gpu_worker.media.picture.planes import (
    Axis,
    Orientation,
    Picture,
    Plane,
    samples_of,
    subsampled,
)
from gpu_worker.media.picture.resample import (
    CompiledResampler,
    PlaneResampler,
    Resampler,
    pillow_resample,
)
from shared.render.cropping import Rect, Size

Array = NDArray[Any]

INPUT = Size(480, 270)
LUMA = Axis(1, 0)
LEFT, MIDDLE = subsampled(2, centred=False), subsampled(2, centred=True)
RATIOS = {"grow": 0.55, "same": 1.0, "1.1": 1.1, "2.2": 2.2, "4.4": 4.4}
ENGINES = {"compiled": CompiledResampler(), "pillow": pillow_resample}


def lanczos(x: Array) -> Array:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


def matrix(centres: Array, step: float, size: int) -> Array:
    """(outputs, inputs): what each input sample weighs; outside, the edge sample goes on."""
    stretch = max(step, 1.0)
    reach = int(np.ceil(3 * stretch)) + 1
    near = np.floor(centres).astype(int)[:, None] + np.arange(-reach, reach + 1)
    weights = lanczos((near + 0.5 - centres[:, None]) / stretch)
    weights /= weights.sum(1, keepdims=True)
    made = np.zeros((len(centres), size))
    rows = np.arange(len(centres))[:, None]
    np.add.at(made, (rows, np.clip(near, 0, size - 1)), weights)
    return made


def oracle(samples: Array, columns: Array, rows: Array, steps: tuple[float, float]) -> Array:
    """`columns`, `rows`: where output samples lie, as sample edges of the plane."""
    across = matrix(columns, steps[0], samples.shape[1])
    down = matrix(rows, steps[1], samples.shape[0])
    return np.asarray(down @ samples.astype(np.float64) @ across.T)


def picture(
    seed: int,
    bits: int = 8,
    chroma: tuple[Axis, Axis] = (LEFT, MIDDLE),
    *,
    full: bool = False,
) -> Picture:
    """Noise with some smoothness: what a sensor gives, not what flatters a filter."""
    rng = np.random.default_rng(seed)

    def plane(x: Axis, y: Axis) -> Plane:
        shape = round(INPUT.height_px * y.scale), round(INPUT.width_px * x.scale)
        noise = rng.uniform(0, 2**bits, (shape[0] + 2, shape[1] + 2))
        smooth = (noise[:-2, :-2] + noise[1:-1, 1:-1] + noise[2:, 2:]) / 3
        kind = np.uint8 if bits == 8 else np.uint16
        return Plane(smooth.astype(kind), x, y)

    return Picture((plane(LUMA, LUMA), plane(*chroma), plane(*chroma)), bits, full=full)


def recoded(codes: Array, source: Picture, bits: int, *, chroma: bool) -> Array:
    """Samples of other bits for the same signal: H.273 equations 20 to 25, and 26 to 31."""
    if not source.full:
        return codes * 2.0 ** (bits - source.bits)
    grey = (2.0 ** (source.bits - 1), 2.0 ** (bits - 1)) if chroma else (0.0, 0.0)
    signal = (codes - grey[0]) / (2**source.bits - 1)
    return np.asarray(signal * (2**bits - 1) + grey[1])


def expected(source: Picture, rect: Rect, output: Size, bits: int = 8) -> list[Array]:
    """What each plane of the output should hold, worked out from where samples are shown."""
    made = []
    targets = ((LUMA, LUMA), (LEFT, MIDDLE), (LEFT, MIDDLE))
    for number, (plane, (x, y)) in enumerate(zip(source.planes, targets, strict=True)):
        lines, steps = [], []
        for own, target, start, length, count in (
            (plane.x, x, rect.x, rect.width, output.width_px),
            (plane.y, y, rect.y, rect.height, output.height_px),
        ):
            samples = round(count * target.scale)
            shown = (np.arange(samples) + 0.5 - target.shift) / target.scale
            lines.append((start + shown * length / count) * own.scale + own.shift)
            steps.append(own.scale * length / count / target.scale)
        codes = oracle(plane.samples, lines[0], lines[1], (steps[0], steps[1]))
        wanted = recoded(codes, source, bits, chroma=number > 0)
        made.append(np.clip(wanted, 0, 2**bits - 1))
    return made


def planes_of(frame: Any) -> list[Array]:
    bits = frame.format.components[0].bits
    return [samples_of(plane, bits)[:, : plane.width] for plane in frame.planes]


def psnr_db(made: Array, wanted: Array, peak: int = 255) -> float:
    return float(10 * np.log10(peak**2 / np.mean((made.astype(np.float64) - wanted) ** 2)))


def random_case(ratio: float, seed: int) -> tuple[Rect, Size]:
    rng = np.random.default_rng(seed)
    width = rng.uniform(60, INPUT.width_px)
    height = rng.uniform(60, INPUT.height_px)
    rect = Rect(
        rng.uniform(0, INPUT.width_px - width),
        rng.uniform(0, INPUT.height_px - height),
        width,
        height,
    )
    return rect, Size(2 * round(width / ratio / 2), 2 * round(height / ratio / 2))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ratio", RATIOS.values(), ids=RATIOS.keys())
@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES.keys())
def test_each_plane_of_a_random_crop_is_within_55_db_of_the_direct_sum(
    engine: PlaneResampler, ratio: float, seed: int
) -> None:
    rect, output = random_case(ratio, seed)
    source = picture(seed)

    frame = Resampler(output, engine).frame(source, rect)

    pairs = zip(planes_of(frame), expected(source, rect, output), strict=True)
    assert min(psnr_db(made, wanted) for made, wanted in pairs) >= 55


@pytest.mark.parametrize("rect", [Rect(0, 0, 96, 54), Rect(420.5, 236.25, 59.5, 33.75)])
def test_at_the_picture_s_corners_the_edge_goes_on(rect: Rect) -> None:
    source, output = picture(1), Size(240, 136)

    frame = Resampler(output).frame(source, rect)

    pairs = zip(planes_of(frame), expected(source, rect, output), strict=True)
    assert min(psnr_db(made, wanted) for made, wanted in pairs) >= 55


@pytest.mark.parametrize("bits", [10, 12])
def test_deeper_samples_come_out_as_8_bits_with_one_rounding(bits: int) -> None:
    rect, output = random_case(0.7, 7)
    source = picture(7, bits)

    frame = Resampler(output).frame(source, rect)

    pairs = zip(planes_of(frame), expected(source, rect, output), strict=True)
    assert min(psnr_db(made, wanted) for made, wanted in pairs) >= 55


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("ratio", RATIOS.values(), ids=RATIOS.keys())
def test_10_bits_come_of_8_10_and_12_in_both_ranges_with_one_rounding(
    ratio: float, bits: int, full: bool
) -> None:
    rect, output = random_case(ratio, 7)
    source = picture(7, bits, full=full)

    frame = Resampler(output, bits=10).frame(source, rect)

    # 8 bits come to 59 dB, with a rounding of half a level: the two more are worth having.
    pairs = zip(planes_of(frame), expected(source, rect, output, 10), strict=True)
    assert min(psnr_db(made, wanted, 1023) for made, wanted in pairs) >= 66


def test_the_reference_makes_10_bits_too() -> None:
    rect, output = random_case(1.1, 9)
    source = picture(9, 10, full=True)

    frame = Resampler(output, pillow_resample, bits=10).frame(source, rect)

    pairs = zip(planes_of(frame), expected(source, rect, output, 10), strict=True)
    assert min(psnr_db(made, wanted, 1023) for made, wanted in pairs) >= 66


@pytest.mark.parametrize("bits", [8, 10])
def test_grey_of_full_range_stays_grey_in_another_depth(bits: int) -> None:
    grey = np.full((64, 64), 1 << (18 - bits - 1), np.uint8 if bits == 10 else np.uint16)
    source = Picture(
        (Plane(grey, LUMA, LUMA), Plane(grey, LUMA, LUMA), Plane(grey, LUMA, LUMA)),
        18 - bits,
        full=True,
    )

    frame = Resampler(Size(32, 32), bits=bits).frame(source, Rect(0, 0, 64, 64))

    assert set(np.unique(planes_of(frame)[1])) == {1 << (bits - 1)}


def test_10_bits_of_the_same_size_keep_every_sample() -> None:
    source = picture(3, 10)

    frame = Resampler(Size(200, 120), bits=10).frame(source, Rect(36, 20, 200, 120))

    luma, cb, _ = planes_of(frame)
    assert np.array_equal(luma, source.planes[0].samples[20:140, 36:236])
    assert np.array_equal(cb, source.planes[1].samples[10:70, 18:118])


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize(
    "chroma",
    [(MIDDLE, MIDDLE), (LEFT, LUMA), (LUMA, LUMA), (subsampled(4, centred=False), LUMA)],
    ids=["4:2:0 centred", "4:2:2", "4:4:4", "4:1:1"],
)
def test_chroma_of_any_siting_is_brought_to_its_place(
    chroma: tuple[Axis, Axis], bits: int
) -> None:
    rect, output = random_case(0.8, 11)
    source = picture(11, bits, chroma=chroma)

    frame = Resampler(output, bits=bits).frame(source, rect)

    peak = 2**bits - 1
    pairs = zip(planes_of(frame), expected(source, rect, output, bits), strict=True)
    assert min(psnr_db(made, wanted, peak) for made, wanted in pairs) >= 55


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES.keys())
@pytest.mark.parametrize("corner", [(0, 0), (36, 20), (101, 33)], ids=["origin", "even", "odd"])
def test_a_whole_pixel_crop_of_the_same_size_keeps_every_luma_sample(
    engine: PlaneResampler, corner: tuple[int, int]
) -> None:
    source = picture(3)
    x, y = corner

    frame = Resampler(Size(200, 120), engine).frame(source, Rect(x, y, 200, 120))

    luma = planes_of(frame)[0]
    assert np.array_equal(luma, source.planes[0].samples[y : y + 120, x : x + 200])


def test_a_whole_pixel_crop_at_even_places_keeps_every_chroma_sample() -> None:
    source = picture(3)

    frame = Resampler(Size(200, 120)).frame(source, Rect(36, 20, 200, 120))

    for made, plane in zip(planes_of(frame)[1:], source.planes[1:], strict=True):
        assert np.array_equal(made, plane.samples[10:70, 18:118])


def test_a_picture_smaller_than_the_filter_still_resamples() -> None:
    tiny = Picture(
        (
            Plane(np.full((4, 4), 90, np.uint8), LUMA, LUMA),
            Plane(np.full((2, 2), 60, np.uint8), LEFT, MIDDLE),
            Plane(np.full((2, 2), 200, np.uint8), LEFT, MIDDLE),
        ),
        8,
        full=False,
    )

    frame = Resampler(Size(16, 16)).frame(tiny, Rect(0, 0, 4, 4))

    assert [set(np.unique(plane)) for plane in planes_of(frame)] == [{90}, {60}, {200}]


ORIENTATIONS = [
    Orientation(transposed, mirrored_x, mirrored_y)
    for transposed in (False, True)
    for mirrored_x in (False, True)
    for mirrored_y in (False, True)
]


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_a_turned_picture_shows_what_was_turned_beforehand(
    orientation: Orientation, bits: int
) -> None:
    # Arrange: 4:4:4, so that turning beforehand moves no chroma against its luma.
    upright = picture(5, bits, chroma=(LUMA, LUMA))
    turned = Picture(
        tuple(orientation.placed(plane, INPUT) for plane in upright.planes),  # type: ignore[arg-type]  # three in, three out
        bits,
        full=False,
    )
    beforehand = Picture(
        tuple(  # type: ignore[arg-type]  # three in, three out
            Plane(_turned(plane.samples, orientation), LUMA, LUMA) for plane in upright.planes
        ),
        bits,
        full=False,
    )
    rect, output = Rect(20.3, 31.7, 100, 150), Size(160, 240)

    # Act
    made = Resampler(output, bits=bits).frame(turned, rect)

    # Assert
    wanted = Resampler(output, bits=bits).frame(beforehand, rect)
    for one, other in zip(planes_of(made), planes_of(wanted), strict=True):
        assert np.array_equal(one, other)


def _turned(samples: Array, orientation: Orientation) -> Array:
    held = samples.T if orientation.transposed else samples
    held = held[:, ::-1] if orientation.mirrored_x else held
    return np.ascontiguousarray(held[::-1] if orientation.mirrored_y else held)


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_chroma_turns_about_the_same_point_as_luma(orientation: Orientation) -> None:
    # Arrange: a ramp in each plane that says where a sample is shown, also where it is sited.
    def ramp(x: Axis, y: Axis) -> Plane:
        shape = round(270 * y.scale), round(480 * x.scale)
        rows, columns = np.mgrid[: shape[0], : shape[1]]
        across = (columns + 0.5 - x.shift) / x.scale
        down = (rows + 0.5 - y.shift) / y.scale
        return orientation.placed(
            Plane((across * 20 + down * 40).astype(np.uint16), x, y), INPUT
        )

    planes = (ramp(LUMA, LUMA), ramp(LEFT, MIDDLE), ramp(LEFT, MIDDLE))
    values = []

    # Act: read each plane at one displayed place.
    for plane in planes:
        column = 150.0 * plane.x.scale + plane.x.shift - 0.5
        row = 100.0 * plane.y.scale + plane.y.shift - 0.5
        values.append(_between(plane.samples, column, row))

    # Assert: within a quarter of a pixel's step.
    assert values[1] == pytest.approx(values[0], abs=5)


def _between(samples: Array, column: float, row: float) -> float:
    left, top = int(column), int(row)
    block = samples[top : top + 2, left : left + 2].astype(float)
    down = block[0] + (block[1] - block[0]) * (row - top)
    return float(down[0] + (down[1] - down[0]) * (column - left))


@pytest.mark.parametrize(
    ("aspect", "displayed"),
    [(Fraction(4, 3), Size(640, 270)), (Fraction(3, 4), Size(480, 360))],
    ids=["wide", "tall"],
)
def test_wide_and_tall_pixels_are_shown_square(aspect: Fraction, displayed: Size) -> None:
    # Arrange: a bright line one stored pixel wide in the middle, across the stretched side.
    samples = np.zeros((270, 480), np.uint8)
    samples[130:140, 235:245] = 255
    factor_x, factor_y = displayed.width_px / 480, displayed.height_px / 270
    flat = np.full((270, 480), 128, np.uint8)
    axes = Axis(1, 0).over(factor_x), Axis(1, 0).over(factor_y)
    source = Picture((Plane(samples, *axes), Plane(flat, *axes), Plane(flat, *axes)), 8, False)

    # Act
    frame = Resampler(displayed).frame(
        source, Rect(0, 0, displayed.width_px, displayed.height_px)
    )

    # Assert
    luma = planes_of(frame)[0].astype(float)
    width = luma.sum(1).max() / 255
    height = luma.sum(0).max() / 255
    assert width / height == pytest.approx(float(aspect), rel=0.02)


@pytest.mark.parametrize("bits", [8, 10])
def test_a_canvas_is_lent_where_the_output_is_the_picture_itself(bits: int) -> None:
    source, whole = picture(2, bits), Size(480, 272)
    tall = Picture(
        tuple(  # type: ignore[arg-type]  # three in, three out
            Plane(np.pad(plane.samples, ((0, pad), (0, 0))), plane.x, plane.y)
            for plane, pad in zip(source.planes, (2, 1, 1), strict=True)
        ),
        bits,
        full=False,
    )

    canvas = Resampler(whole, bits=bits).canvas(tall, Rect(0, 0, 480, 272))

    assert canvas is not None
    canvas.picture.planes[1].samples[:] = 7
    assert [len(np.unique(plane)) for plane in planes_of(canvas.frame)][1] == 1
    assert canvas.picture.planes[1].samples.shape == tall.planes[1].samples.shape


@pytest.mark.parametrize(
    ("rect", "output", "bits"),
    [
        (Rect(0, 0, 480, 268), Size(480, 268), 8),
        (Rect(0, 0.5, 480, 268), Size(480, 268), 8),
        (Rect(0, 0, 480, 270), Size(240, 136), 8),
        (Rect(0, 0, 480, 270), Size(480, 270), 10),
    ],
    ids=["a part", "between", "smaller", "deeper"],
)
def test_no_canvas_is_lent_where_samples_move_or_change(
    rect: Rect, output: Size, bits: int
) -> None:
    assert Resampler(output, bits=bits).canvas(picture(2), rect) is None
