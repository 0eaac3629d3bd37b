"""Videos to measure with: texture and motion as a camera gives them, and a lattice of dots."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]
Planes = tuple[Plane, Plane, Plane]

_BT709, _LIMITED = 1, 1
_SOUND_HZ = 48_000
_SOUND_BLOCK = 1024
_SPRITE_PX = 320
_GRAIN_STRENGTH = 1.2  # of a phone's camera by daylight, in 8-bit steps
_GRAINS = 8


@dataclass(frozen=True, slots=True)
class Film:
    """What is shot: size, frames a second and seconds. `crf` is how well it is kept."""

    width_px: int
    height_px: int
    rate: int
    length_s: int
    crf: int = 18

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return self.rate * self.length_s


def textured(path: Path, film: Film) -> Path:
    """Write a film of a drifting scene with things that cross it, grain, and a tone."""
    return _write(path, film, _scenes(film), sound=True)


def dotted(path: Path, film: Film, dots: list[tuple[float, float]], sigma_px: float) -> Path:
    """Write a still lattice of bright Gaussian dots at these places, in pixels."""
    rows, columns = np.mgrid[: film.height_px, : film.width_px] + 0.5
    luma = np.full((film.height_px, film.width_px), 40.0)
    reach = int(5 * sigma_px)
    for x, y in dots:
        near = np.s_[
            max(int(y) - reach, 0) : int(y) + reach, max(int(x) - reach, 0) : int(x) + reach
        ]
        squares = (columns[near] - x) ** 2 + (rows[near] - y) ** 2
        luma[near] += 170 * np.exp(-squares / (2 * sigma_px**2))
    grey = np.full((film.height_px // 2, film.width_px // 2), 128, np.uint8)
    still = (_codes(luma), grey, grey)
    return _write(path, film, (still for _ in range(film.frames)), sound=False)


def natural(height: int, width: int, mean: float, spread: float, seed: int) -> Plane:
    """Noise whose amplitude falls as 1/frequency, as in pictures of the world; uint8."""
    rng = np.random.default_rng(seed)
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    frequency = np.maximum(np.hypot(down, across), 1 / max(height, width))
    shape = (height, width // 2 + 1)
    waves = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    plane = np.fft.irfft2(waves / frequency, s=(height, width))
    return _codes(mean + spread * (plane - plane.mean()) / plane.std())


def _scenes(film: Film) -> Iterator[Planes]:
    height, width, room = film.height_px, film.width_px, 256
    scene = (
        natural(height + room, width + 2 * room, 118, 45, seed=1),
        natural((height + room) // 2, width // 2 + room, 128, 14, seed=2),
        natural((height + room) // 2, width // 2 + room, 128, 14, seed=3),
    )
    sprite = natural(_SPRITE_PX, _SPRITE_PX, 150, 40, seed=4)
    rng = np.random.default_rng(5)
    grains = [
        np.rint(rng.normal(0, _GRAIN_STRENGTH, (height, width))).astype(np.int16)
        for _ in range(_GRAINS)
    ]
    for n in range(film.frames):
        x, y = 2 * (_bounced(n, room)), 2 * (_bounced(n // 3, room // 4))
        luma = scene[0][y : y + height, x : x + width] + grains[n % _GRAINS]
        across = _bounced(9 * n, width - _SPRITE_PX)
        down = _bounced(4 * n, height - _SPRITE_PX)
        luma[down : down + _SPRITE_PX, across : across + _SPRITE_PX] = sprite
        cb, cr = (
            plane[y // 2 : y // 2 + height // 2, x // 2 : x // 2 + width // 2]
            for plane in scene[1:]
        )
        yield _codes(luma), cb, cr


def _bounced(n: int, length: int) -> int:
    """A place that goes to and fro between 0 and `length`."""
    n %= 2 * length
    return min(n, 2 * length - n)


def _codes(plane: Plane) -> Plane:
    return np.clip(np.rint(plane), 16, 235).astype(np.uint8)


def _write(path: Path, film: Film, pictures: Iterable[Planes], *, sound: bool) -> Path:
    with av.open(str(path), "w", format="mp4") as file:
        video = file.add_stream(
            "libx264", rate=film.rate, options={"preset": "veryfast", "crf": str(film.crf)}
        )
        encoder = video.codec_context
        encoder.width, encoder.height = film.width_px, film.height_px
        encoder.pix_fmt = "yuv420p"
        encoder.colorspace = encoder.color_primaries = encoder.color_trc = _BT709
        encoder.color_range = _LIMITED
        audio = file.add_stream("aac", rate=_SOUND_HZ) if sound else None
        for number, planes in enumerate(pictures):
            file.mux(video.encode(_frame(planes, number, film)))
        file.mux(video.encode(None))
        if audio is not None:
            for block in _tone(film.length_s):
                file.mux(audio.encode(block))
            file.mux(audio.encode(None))
    return path


def _frame(planes: Planes, number: int, film: Film) -> av.VideoFrame:
    frame = av.VideoFrame(film.width_px, film.height_px, "yuv420p")
    for target, samples in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(target), np.uint8).reshape(-1, target.line_size)
        rows[: target.height, : target.width] = samples
    frame.pts, frame.time_base = number, Fraction(1, film.rate)
    return frame


def _tone(length_s: int) -> Iterator[av.AudioFrame]:
    for start in range(0, length_s * _SOUND_HZ, _SOUND_BLOCK):
        turn = 2 * np.pi * 440 * np.arange(start, start + _SOUND_BLOCK) / _SOUND_HZ
        samples = (0.2 * np.sin(turn)).astype(np.float32).reshape(1, -1)
        block = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        block.sample_rate, block.time_base = _SOUND_HZ, Fraction(1, _SOUND_HZ)
        block.pts = start
        yield block
