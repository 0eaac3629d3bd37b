"""Small videos made on the spot, whose every frame says which it is and where things are.

Pictures are drawn as planes of Y, Cb and Cr, with the conversion written out here, so that
what a test measures was not made by the code it tests.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]

# H.273 tables 2–4, as ffmpeg numbers them.
BT709, BT470BG, BT601, BT2020 = 1, 5, 6, 9
_LUMA_WEIGHTS = {
    BT709: (0.2126, 0.0722),
    BT470BG: (0.299, 0.114),
    BT601: (0.299, 0.114),
    BT2020: (0.2627, 0.0593),
}
LIMITED, FULL = 1, 2

AUDIO_RATE = 48_000

CODE_BITS = 10
CODE_CELL_PX = 16
_CODE_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class Picture:
    """Planes of one 4:2:0 frame: luma (height, width), chroma half of it each way, uint8."""

    y: Plane
    cb: Plane
    cr: Plane


@dataclass(frozen=True, slots=True)
class Colour:
    """The tags a file carries, and what its samples mean."""

    matrix: int = BT709
    colour_range: int = LIMITED

    def planes_of(self, rgb: Plane) -> tuple[Plane, Plane, Plane]:
        """R, G, B in 0…255 along the last axis, to codes of Y, Cb and Cr, as floats."""
        weight_r, weight_b = _LUMA_WEIGHTS[self.matrix]
        red, green, blue = np.moveaxis(np.asarray(rgb, float), -1, 0)
        luma = weight_r * red + (1 - weight_r - weight_b) * green + weight_b * blue
        cb, cr = (blue - luma) / (2 - 2 * weight_b), (red - luma) / (2 - 2 * weight_r)
        black, luma_span, chroma_span = self._spans
        return black + luma * luma_span, 128 + cb * chroma_span, 128 + cr * chroma_span

    def rgb_of(self, y: Plane, cb: Plane, cr: Plane) -> Plane:
        """The way back: codes to R, G, B along a last axis, as floats, unclipped."""
        weight_r, weight_b = _LUMA_WEIGHTS[self.matrix]
        black, luma_span, chroma_span = self._spans
        luma = (np.asarray(y, float) - black) / luma_span
        red = luma + (np.asarray(cr, float) - 128) / chroma_span * (2 - 2 * weight_r)
        blue = luma + (np.asarray(cb, float) - 128) / chroma_span * (2 - 2 * weight_b)
        green = (luma - weight_r * red - weight_b * blue) / (1 - weight_r - weight_b)
        return np.stack((red, green, blue), -1)

    @property
    def _spans(self) -> tuple[float, float, float]:
        if self.colour_range == FULL:
            return 0.0, 1.0, 1.0
        return 16.0, 219 / 255, 224 / 255


def grey(luma: Plane) -> Picture:
    """A picture without colour. `luma` in codes, (height, width), both even."""
    half = np.full((luma.shape[0] // 2, luma.shape[1] // 2), 128, np.uint8)
    return Picture(_codes(luma), half, half)


def coloured(rgb: Plane, colour: Colour) -> Picture:
    """A picture of `rgb`: (height, width, 3) in 0…255, both sides even."""
    y, cb, cr = colour.planes_of(rgb)
    return Picture(_codes(y), _codes(_halved(cb)), _codes(_halved(cr)))


def _codes(plane: Plane) -> Plane:
    if plane.dtype == np.uint8:
        return plane
    return np.clip(np.rint(plane), 0, 255).astype(np.uint8)


def _halved(plane: Plane) -> Plane:
    height, width = plane.shape
    return plane.reshape(height // 2, 2, width // 2, 2).mean((1, 3))


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono samples at `AUDIO_RATE`, from the first video frame's instant."""

    samples: NDArray[np.float32]

    @classmethod
    def beeps(cls, at_s: Iterable[float], length_s: float, beep_s: float = 0.1) -> "Sound":
        """Silence with a 1 kHz tone that sets in at each instant."""
        samples = np.zeros(round(length_s * AUDIO_RATE), np.float32)
        tone = 0.6 * np.cos(
            2 * np.pi * 1000 * np.arange(round(beep_s * AUDIO_RATE)) / AUDIO_RATE
        )
        for start in (round(at * AUDIO_RATE) for at in at_s):
            room = samples[start : start + len(tone)]
            room[:] = tone[: len(room)]
        return cls(samples)


@dataclass(frozen=True, slots=True)
class Clip:
    """How a file is written. `stamps` are PTS in 1/90000 s where the rate varies.

    `turned` is the display matrix's angle in degrees, counter-clockwise. `pixel_aspect` is a
    stored pixel's width over its height.
    """

    rate: Fraction = Fraction(30)
    stamps: Sequence[int] | None = None
    sound: Sound | None = None
    colour: Colour = Colour()
    turned: int = 0
    pixel_aspect: Fraction = Fraction(1)
    crf: int = 10

    def write(self, path: Path, pictures: Iterable[Picture]) -> Path:
        """Encode as H.264 and AAC in MP4."""
        with av.open(str(path), "w", format="mp4") as file:
            pictures = iter(pictures)
            first = next(pictures)
            video = self._video_stream(file, first)
            audio = self._audio_stream(file) if self.sound else None
            for number, picture in enumerate(_chained(first, pictures)):
                file.mux(video.encode(self._frame(picture, number)))
            file.mux(video.encode(None))
            if audio is not None and self.sound is not None:
                for piece in _pieces(self.sound):
                    file.mux(audio.encode(piece))
                file.mux(audio.encode(None))
        return path

    def _video_stream(self, file: Any, first: Picture) -> Any:
        options = {"crf": str(self.crf), "preset": "veryfast"}
        stream = file.add_stream("libx264", rate=self.rate, options=options)
        encoder = stream.codec_context
        encoder.height, encoder.width = first.y.shape
        encoder.pix_fmt = "yuv420p"
        encoder.time_base = self._timebase
        encoder.sample_aspect_ratio = self.pixel_aspect
        encoder.colorspace = self.colour.matrix
        encoder.color_primaries = self.colour.matrix
        encoder.color_trc = self.colour.matrix
        encoder.color_range = self.colour.colour_range
        if self.turned:
            stream.set_display_rotation(self.turned)
        return stream

    def _audio_stream(self, file: Any) -> Any:
        # Its usual coder weighs every band of a tone or of noise again and again.
        return file.add_stream("aac", rate=AUDIO_RATE, options={"aac_coder": "fast"})

    @property
    def _timebase(self) -> Fraction:
        return 1 / self.rate if self.stamps is None else Fraction(1, 90_000)

    def _frame(self, picture: Picture, number: int) -> av.VideoFrame:
        height, width = picture.y.shape
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane, samples in zip(
            frame.planes, (picture.y, picture.cb, picture.cr), strict=True
        ):
            rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
            rows[: plane.height, : plane.width] = samples
        frame.time_base = self._timebase
        frame.pts = number if self.stamps is None else self.stamps[number]
        if self.stamps is not None:
            after = self.stamps[number + 1 : number + 2] or [frame.pts + 3000]
            frame.duration = after[0] - frame.pts
        return frame


def _chained(first: Picture, rest: Iterator[Picture]) -> Iterator[Picture]:
    yield first
    yield from rest


def _pieces(sound: Sound) -> Iterator[av.AudioFrame]:
    for start in range(0, len(sound.samples), 1024):
        piece = sound.samples[start : start + 1024].reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), "fltp", "mono")
        frame.sample_rate, frame.time_base, frame.pts = (
            AUDIO_RATE,
            Fraction(1, AUDIO_RATE),
            start,
        )
        yield frame


def with_number(luma: Plane, number: int, at: tuple[int, int]) -> Plane:
    """The picture with a number painted in it, as black and white cells below `at` (x, y)."""
    painted = luma.copy()
    for bit, (x, y) in enumerate(_cells(at)):
        painted[y : y + CODE_CELL_PX, x : x + CODE_CELL_PX] = 235 if number >> bit & 1 else 16
    return painted


def code_points(at: tuple[int, int]) -> list[tuple[float, float]]:
    """The middle of each cell of a painted number, lowest bit first, as (x, y)."""
    half = CODE_CELL_PX / 2
    return [(x + half, y + half) for x, y in _cells(at)]


def _cells(at: tuple[int, int]) -> list[tuple[int, int]]:
    return [
        (
            at[0] + bit % _CODE_COLUMNS * CODE_CELL_PX,
            at[1] + bit // _CODE_COLUMNS * CODE_CELL_PX,
        )
        for bit in range(CODE_BITS)
    ]


def flat(width: int, height: int, luma: int = 110) -> Plane:
    """An even picture."""
    return np.full((height, width), luma, np.uint8)


def with_dots(luma: Plane, centres: Iterable[tuple[float, float]], sigma_px: float) -> Plane:
    """The picture with a Gaussian dot, 170 codes bright, at each centre (x, y)."""
    rows, columns = (np.arange(side) + 0.5 for side in luma.shape)
    painted = luma.astype(float)
    for x, y in centres:
        # The bell of a distance is the product of those of its two legs.
        down, across = (
            np.exp(-((at - middle) ** 2) / (2 * sigma_px**2))
            for at, middle in ((rows, y), (columns, x))
        )
        painted += 170 * np.outer(down, across)
    return _codes(painted)


def lattice(width: int, height: int, step: float) -> list[tuple[float, float]]:
    """Centres of a grid of dots, half a step from the edges."""
    return [
        (x, y)
        for y in np.arange(step / 2, height, step).tolist()
        for x in np.arange(step / 2, width, step).tolist()
    ]


def flashing(count: int, every: int) -> Iterator[Picture]:
    """Dark pictures of 320 × 180, every so many a white one, but not the first."""
    dark, white = grey(flat(320, 180, 30)), grey(flat(320, 180, 230))
    return (white if n and n % every == 0 else dark for n in range(count))
