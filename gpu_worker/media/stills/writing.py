"""Write a picture as the file asked for."""

from pathlib import Path
from typing import Any

from PIL import Image

from shared.render.still_formats import StillFormat


def write_still(image: Image.Image, path: Path, form: StillFormat, quality: int) -> None:
    """Write an RGB or RGBA picture; `quality`, 1 to 100, is of the formats that lose."""
    image.save(path, form.name, **_options(form, quality))


def _options(form: StillFormat, quality: int) -> dict[str, Any]:
    match form:
        case StillFormat.JPEG:
            # Chroma as fine as luma: it has been interpolated once, and that is enough.
            return {"quality": quality, "subsampling": 0, "optimize": True}
        case StillFormat.WEBP:
            return {"quality": quality, "method": 4}
        case StillFormat.PNG:
            return {"compress_level": 6}
