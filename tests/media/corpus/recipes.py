"""How a file of the corpus is made: its pictures drawn here, then one run of ffmpeg."""

import shlex
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe

from shared.render.cropping import Size
from tests.media.corpus.signals import FLASH_FRAME, drawn
from tests.support.footage import FULL, Colour, Plane

Step = Callable[[Path], Path]

WIDE = Size(320, 180)
RATE = Fraction(30)
USUAL = Colour()
# setparams' words for the tags of H.273.
_WORDS = {1: "bt709", 5: "bt470bg", 6: "smpte170m", 9: "bt2020nc"}
_PRIMARIES = {**_WORDS, 9: "bt2020"}
_TRANSFERS = {**_PRIMARIES, 9: "bt2020-10", 16: "smpte2084", 18: "arib-std-b67"}


@dataclass(frozen=True, slots=True)
class Held:
    """How a picture is stored: as displayed, then mirrored, then turned over its diagonal."""

    transposed: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False

    def stored(self, shown: Plane) -> Plane:
        """What a file holds so that it is shown so."""
        if self.mirrored_x:
            shown = shown[:, ::-1]
        if self.mirrored_y:
            shown = shown[::-1]
        return shown.swapaxes(0, 1) if self.transposed else shown


UPRIGHT = Held()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One file. `video`, `sound` and `file` are ffmpeg's options for each.

    `size` is the picture's as displayed, `stored` its size in the file where pixels are not
    square. `piped` is the format that ffmpeg is given, rgb24, rgba, yuv444p or yuv444p16le,
    and `kept` what it makes of that for the encoder. `steps` are what is done to the file
    afterwards, in order.
    """

    ending: str = "mp4"
    video: str = "-c:v libx264 -preset ultrafast -crf 6"
    sound: str | None = "-c:a aac"
    file: str = ""
    size: Size = WIDE
    stored: Size | None = None
    frames: int = 24
    rate: Fraction = RATE
    picture: Callable[[Size, int], Plane] = drawn
    numbers: tuple[int, ...] | None = None
    colour: Colour = USUAL
    transfer: int | None = None
    tagged: bool = True
    piped: str = "yuv444p"
    kept: str = "yuv420p"
    filters: str = ""
    held: Held = UPRIGHT
    sound_s: float | None = None
    sound_late_s: float = 0.0
    steps: tuple[Step, ...] = ()

    @property
    def _in_planes(self) -> bool:
        return self.piped.startswith("yuv")

    @property
    def beep_s(self) -> float:
        """When the sound sets in, in seconds after the first frame."""
        return float(FLASH_FRAME / self.rate)

    def build(self, folder: Path) -> Path:
        """Make the file in a folder."""
        path = folder / f"made.{self.ending}"
        stored = self.stored or self.size
        wide, high = stored.width_px, stored.height_px
        if self.held.transposed and self.stored is None:
            wide, high = high, wide
        ffmpeg(
            *f"-f rawvideo -pix_fmt {self.piped} -s {wide}x{high}".split(),
            *f"-r {self.rate} -i pipe:".split(),
            *self._sound_input(),
            *("-vf", ",".join(self._filters())),
            *shlex.split(f"{self.video} {self.sound or '-an'} {self.file}"),
            path,
            fed=self._pictures(),
        )
        for step in self.steps:
            path = step(path)
        return path

    def _pictures(self) -> Iterator[bytes]:
        how = self.held, self.stored, self.piped, self.colour
        numbers = range(self.frames) if self.numbers is None else self.numbers
        return (_piped(self.picture, self.size, number, *how) for number in numbers)

    def _filters(self) -> Iterator[str]:
        if self._in_planes:
            tags = [f"range={'pc' if self.colour.colour_range == FULL else 'tv'}"]
            if self.tagged:
                matrix = self.colour.matrix
                tags += [
                    f"colorspace={_WORDS[matrix]}",
                    f"color_primaries={_PRIMARIES[matrix]}",
                    f"color_trc={_TRANSFERS[self.transfer or matrix]}",
                ]
            yield "setparams=" + ":".join(tags)
        if self.filters:
            yield self.filters
        if self.stored is not None:
            shown = self.size.width_px, self.size.height_px
            wide, high = reversed(shown) if self.held.transposed else shown
            aspect = Fraction(wide, self.stored.width_px) / Fraction(
                high, self.stored.height_px
            )
            yield f"setsar={aspect}"
        yield f"format={self.kept}"

    def _sound_input(self) -> list[str]:
        if self.sound is None:
            return []
        at = self.beep_s - self.sound_late_s
        lasts = self.sound_s or float(self.frames / self.rate) - self.sound_late_s
        wave = f"0.6*cos(2*PI*1000*(t-{at}))*between(t,{at},{at + 0.1})"
        late = ["-itsoffset", str(self.sound_late_s)] if self.sound_late_s else []
        return [*late, *f"-f lavfi -i aevalsrc=exprs='{wave}':s=48000:d={lasts}".split()]


# As many as a few recipes have: most of them draw and store the same pictures.
@lru_cache(maxsize=128)
def _piped(
    picture: Callable[[Size, int], Plane],
    size: Size,
    number: int,
    held: Held,
    stored: Size | None,
    piped: str,
    colour: Colour,
) -> bytes:
    """One picture as ffmpeg is given it."""
    rgb = _narrowed(held.stored(picture(size, number)), stored)
    if not piped.startswith("yuv"):
        return np.rint(rgb).astype(np.uint8).tobytes()
    codes = np.stack(colour.planes_of(rgb))
    if piped == "yuv444p":
        return np.clip(np.rint(codes), 0, 255).astype(np.uint8).tobytes()
    return np.clip(np.rint(codes * 256), 0, 65_535).astype(np.uint16).tobytes()


def _narrowed(held: Plane, stored: Size | None) -> Plane:
    if stored is None:
        return held
    wide = _stretched(held, stored.width_px)
    return _stretched(wide.swapaxes(0, 1), stored.height_px).swapaxes(0, 1)


def _stretched(picture: Plane, columns: int) -> Plane:
    """The picture with so many columns, by linear interpolation."""
    width = picture.shape[1]
    if width == columns:
        return picture
    at = (np.arange(columns) + 0.5) * width / columns - 0.5
    left = np.clip(np.floor(at).astype(int), 0, width - 2)
    part = np.clip(at - left, 0, 1)[None, :, None]
    return picture[:, left] * (1 - part) + picture[:, left + 1] * part


def ffmpeg(*arguments: str | Path, fed: Iterable[bytes] = ()) -> None:
    """Run the bundled ffmpeg. `fed`: what it reads from its standard input."""
    command = [get_ffmpeg_exe(), "-y", "-loglevel", "error", "-threads", "1"]
    with TemporaryFile() as pipe:
        pipe.writelines(fed)
        pipe.seek(0)
        subprocess.run([*command, *map(str, arguments)], check=True, stdin=pipe, timeout=60)
