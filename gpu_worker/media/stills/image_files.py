"""Read an uploaded image that may be anything: upright, in sRGB, small enough, or refused.

The type is told from the bytes and no other decoder is tried; the size the header states is
checked before anything is decoded.
"""

import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path
from types import MappingProxyType

from PIL import Image

from gpu_worker.media.stills.sample_modes import in_srgb, resizable
from gpu_worker.media.stills.thumbnails import at_size, fitted_size
from shared.errors import JobFailed
from shared.render.cropping import Size

MAX_PIXELS = 50_000_000
# A progressive JPEG comes in some ten passes, each over all its pixels.
MAX_JPEG_SCANS = 100
_START_OF_SCAN = re.compile(rb"\xff\xda")  # in the data of a scan 0xff is followed by 0

HEAD_BYTES = 32  # tell a video's container too
_ORIENTATION = 0x0112  # TIFF 6.0, section 8
_TURNED = frozenset({5, 6, 7, 8})
_MADE_UPRIGHT_BY = MappingProxyType(
    {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
)
_SPARE = 2  # times the thumbnail's size: what a JPEG is decoded at, at least
# What Pillow raises for files that are damaged, each its own way.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
)


def format_of(head: bytes) -> str | None:
    """Tell an image's format, as Pillow calls it, from its first bytes; None if not taken."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    return "WEBP" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image file is. `displayed` is its size held upright."""

    form: str
    displayed: Size
    mode: str
    has_alpha: bool
    animated: bool
    has_profile: bool
    turned: int

    @property
    def kept(self) -> dict[str, object]:
        """What is kept with the asset: plain values."""
        return {
            "family": "image",
            "format": self.form,
            "width_px": self.displayed.width_px,
            "height_px": self.displayed.height_px,
            "mode": self.mode,
            "has_alpha": self.has_alpha,
            "animated": self.animated,
            "has_profile": self.has_profile,
            "orientation": self.turned,
        }


def read_thumbnail(path: Path, form: str, max_side_px: int) -> tuple[ImageFacts, Image.Image]:
    """What an image file is, and it made small: RGB or RGBA, upright, in sRGB.

    Raises `JobFailed` with `input_unreadable` and what the person can do about it.
    """
    with _quiet(), _opened(path, form) as image:
        _refuse_too_many_pixels(image)
        if form == "JPEG":
            _refuse_too_many_scans(path)
        facts = _facts(image, form)
        small = fitted_size(facts.displayed, max_side_px)
        if facts.turned in _TURNED:
            small = Size(small.height_px, small.width_px)
        # A JPEG can be decoded at an eighth of its size at a fraction of the cost.
        image.draft(None, (small.width_px * _SPARE, small.height_px * _SPARE))
        with _damage_refused():
            image.load()
        made = in_srgb(at_size(resizable(image), small), image.info.get("icc_profile"))
        return facts, _upright(made, facts.turned)


def _opened(path: Path, form: str) -> Image.Image:
    with _damage_refused():
        return Image.open(path, formats=(form,))


def _facts(image: Image.Image, form: str) -> ImageFacts:
    turned = _orientation(image)
    width, height = image.size
    return ImageFacts(
        form=form.lower(),
        displayed=Size(height, width) if turned in _TURNED else Size(width, height),
        mode=image.mode,
        has_alpha=image.has_transparency_data,
        animated=bool(getattr(image, "is_animated", False)),
        has_profile="icc_profile" in image.info,
        turned=turned,
    )


def _orientation(image: Image.Image) -> int:
    """As EXIF says; upright where it says nothing that can be read."""
    try:
        turned = image.getexif().get(_ORIENTATION)
    except _DAMAGED:
        return 1
    return turned if isinstance(turned, int) and 1 <= turned <= 8 else 1


def _upright(image: Image.Image, turned: int) -> Image.Image:
    upright = image.transpose(_MADE_UPRIGHT_BY[turned]) if turned > 1 else image
    upright.info.clear()  # what the file said of itself is not published with it
    return upright


def _refuse_too_many_pixels(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels(f"{image.width} × {image.height}")


def _refuse_too_many_scans(path: Path) -> None:
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        found = islice(_START_OF_SCAN.finditer(content), MAX_JPEG_SCANS + 1)
        scans = sum(1 for _ in found)
    if scans > MAX_JPEG_SCANS:
        raise JobFailed(
            "input_unreadable",
            "The picture goes through its pixels more often than any picture needs. Export it "
            "again as PNG, JPEG or WebP and upload that.",
        )


def _too_many_pixels(detail: str) -> JobFailed:
    return JobFailed(
        "input_unreadable",
        f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels. "
        f"Make it smaller and upload that.",
        detail=detail,
    )


@contextmanager
def _damage_refused() -> Iterator[None]:
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(str(error)) from error
    except _DAMAGED as error:
        raise JobFailed(
            "input_unreadable",
            "The picture is damaged or not complete. Export it again as PNG, JPEG or WebP "
            "and upload that.",
            detail=str(error),
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Oddities Pillow warns of are no news; the warning of a bomb is a refusal.

    Only in a process of one thread: filters are the process's.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
