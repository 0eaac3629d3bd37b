"""Poster and sprite sheet, made of a render's own frames while they pass by.

A render in one process has one `StillsWatch`. One in several has one in each: every watch
keeps what its frames' numbers tell it to, and `together` joins what they have seen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Protocol

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from gpu_worker.media.picture.colour import Colours
from gpu_worker.media.picture.planes import Array, grey_of, samples_of, unit_of
from gpu_worker.media.picture.rgb import full_size, rgb_of
from shared.render.cropping import Size
from shared.render.stills import Sprites, Stills

_POSTER_QUALITY, _SHEET_QUALITY = 90, 80  # of JPEG

# A frame is well exposed where its luma, of 0 … 1, is neither dark nor glaring on average and
# differs enough from place to place: no black lead-in, no flash, no plain card.
_MEAN = (0.15, 0.85)
_LEAST_SPREAD = 0.05
_EVERY_PX = 4  # each way, is looked at


class FrameWatcher(Protocol):
    """Looks at finished frames before they are encoded; leaves them as they are."""

    def see(self, number: int, frame: VideoFrame) -> None:
        """`number` is the frame's in the whole output, from 0."""


@dataclass(frozen=True, slots=True)
class PosterShot:
    """A frame that may become the poster; of several the least in `rank` does."""

    number: int
    well_exposed: bool
    spread: float
    jpeg: bytes

    @property
    def rank(self) -> tuple[bool, float, int]:
        """The first well-exposed one, or else the one with the most contrast."""
        return (not self.well_exposed, 0.0 if self.well_exposed else -self.spread, self.number)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a watch kept: plain values that travel between processes.

    `thumbs` are by their place in the sheet: R, G, B, row by row.
    """

    poster: PosterShot | None = None
    thumbs: Mapping[int, bytes] = field(default_factory=dict)


def together(parts: Iterable[Seen]) -> Seen:
    """What several watches of one output have seen, as if it had been one."""
    parts = list(parts)
    shots = [each.poster for each in parts if each.poster is not None]
    return Seen(
        poster=min(shots, key=lambda shot: shot.rank, default=None),
        thumbs={index: thumb for each in parts for index, thumb in each.thumbs.items()},
    )


class StillsWatch:
    """Keeps of the frames it sees what the stills of an output need. A `FrameWatcher`."""

    def __init__(self, stills: Stills, colours: Colours) -> None:
        self._candidates = frozenset(stills.poster)
        self._chosen = len(stills.poster) == 1  # nobody asks how well it is exposed
        self._sprites = stills.sprites
        self._places = stills.sprites.numbers if stills.sprites else {}
        self._colours = colours
        self._poster: PosterShot | None = None
        self._thumbs: dict[int, bytes] = {}

    @property
    def seen(self) -> Seen:
        """What was kept so far."""
        return Seen(self._poster, dict(self._thumbs))

    def see(self, number: int, frame: VideoFrame) -> None:
        """As `FrameWatcher` says."""
        if number in self._candidates:
            self._consider(number, frame)
        if number in self._places and self._sprites is not None:
            thumb = _thumb(_planar(frame, self._colours), self._sprites.thumb, self._colours)
            self._thumbs |= dict.fromkeys(self._places[number], thumb)

    def _consider(self, number: int, frame: VideoFrame) -> None:
        if self._poster is not None and self._poster.well_exposed:
            return  # those after it come too late
        picture = _planar(frame, self._colours)
        well, spread = _exposure(picture, self._colours)
        shot = PosterShot(number, well or self._chosen, spread, b"")
        if self._poster is None or shot.rank < self._poster.rank:
            jpeg = _jpeg(picture, self._colours)
            self._poster = PosterShot(number, shot.well_exposed, spread, jpeg)


def sheet_jpeg(sprites: Sprites, thumbs: Mapping[int, bytes]) -> bytes:
    """The sheet with every picture at its place; black where one is missing."""
    sheet = Image.new("RGB", (sprites.sheet.width_px, sprites.sheet.height_px))
    size = (sprites.thumb.width_px, sprites.thumb.height_px)
    for index, thumb in thumbs.items():
        sheet.paste(Image.frombytes("RGB", size, thumb), sprites.place(index))
    return _encoded(sheet, _SHEET_QUALITY)


@dataclass(frozen=True, slots=True)
class _Planar:
    """Y, Cb and Cr of a 4:2:0 frame; `unit` is what one 8-bit step is in their samples."""

    planes: tuple[Array, Array, Array]
    bits: int
    unit: float


def _planar(frame: VideoFrame, colours: Colours) -> _Planar:
    if frame.format.name not in ("yuv420p", "yuv420p10le"):
        same = {"colorspace": colours.matrix, "color_range": colours.colour_range}
        said = {
            f"{side}_{name}": value for side in ("src", "dst") for name, value in same.items()
        }
        frame = frame.reformat(format="yuv420p", **said)
    bits = frame.format.components[0].bits
    y, cb, cr = (samples_of(plane, bits)[:, : plane.width] for plane in frame.planes)
    return _Planar((y, cb, cr), bits, unit_of(bits, colours.full))


def _exposure(picture: _Planar, colours: Colours) -> tuple[bool, float]:
    black, span, _ = colours.spans
    some = picture.planes[0][::_EVERY_PX, ::_EVERY_PX].astype(np.float32)
    luma = (some / picture.unit - black) / span
    mean, spread = float(luma.mean()), float(luma.std())
    return _MEAN[0] <= mean <= _MEAN[1] and spread >= _LEAST_SPREAD, spread


def _jpeg(picture: _Planar, colours: Colours) -> bytes:
    y, cb, cr = picture.planes
    whole = (y, full_size(cb, *y.shape), full_size(cr, *y.shape))
    return _encoded(Image.fromarray(rgb_of(whole, colours, picture.bits)), _POSTER_QUALITY)


def _thumb(picture: _Planar, size: Size, colours: Colours) -> bytes:
    # No colour is in the middle of both depths, which in full range are not multiples.
    off = grey_of(8) - grey_of(picture.bits) / picture.unit
    small = [
        np.asarray(
            Image.fromarray(_eight_bit(plane, picture.unit, bias)).resize(
                (size.width_px, size.height_px), Image.Resampling.HAMMING, reducing_gap=2.0
            )
        )
        for plane, bias in zip(picture.planes, (0.0, off, off), strict=True)
    ]
    return rgb_of(small, colours).tobytes()


def _eight_bit(plane: Array, unit: float, bias: float) -> Array:
    if plane.dtype == np.uint8:
        return np.ascontiguousarray(plane)
    return np.rint(plane / np.float32(unit) + np.float32(bias)).clip(0, 255).astype(np.uint8)


def _encoded(picture: Image.Image, quality: int) -> bytes:
    into = BytesIO()
    picture.save(into, "JPEG", quality=quality, optimize=True)
    return into.getvalue()
