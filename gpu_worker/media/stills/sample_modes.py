"""The sorts of samples image files have, brought to RGB of the web, with alpha or without."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

# What a profile describes, by the signature in its header (ICC.1, 7.2.6), as Pillow's mode.
_MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def resizable(image: Image.Image) -> Image.Image:
    """The same picture in a mode whose samples can be averaged: not 1 bit, 16, or a palette.

    Grey, RGB or CMYK of 8 bits, with alpha where a palette or a colour is transparent.
    """
    if image.mode.startswith("I"):
        return _from_16_bits(image)
    if "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode in ("P", "PA"):
        return image.convert("RGB" if image.mode == "P" else "RGBA")
    return image.convert("L") if image.mode == "1" else image


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An image of those modes as RGB or RGBA, its colours those of sRGB.

    A profile that is damaged, or of another sort of samples than the image's, is passed over,
    as browsers do.
    """
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colours = image.convert({"LA": "L", "RGBA": "RGB"}.get(image.mode, image.mode))
    made = (_converted(colours, profile) if profile else None) or colours.convert("RGB")
    if alpha is not None:
        made.putalpha(alpha)
    return made


def _from_16_bits(image: Image.Image) -> Image.Image:
    samples = np.asarray(image)
    # Pillow's own conversion cuts at 255 instead of scaling.
    grey = Image.fromarray((np.clip(samples, 0, 65535) >> 8).astype(np.uint8))
    transparent = image.info.get("transparency")
    if not isinstance(transparent, int):
        return grey
    alpha = np.where(samples == transparent, 0, 255).astype(np.uint8)
    grey.putalpha(Image.fromarray(alpha))
    return grey


def _converted(image: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        described = ImageCms.ImageCmsProfile(BytesIO(profile))
        mode = _MODE_OF_SPACE.get(described.profile.xcolor_space.strip())
        if mode == "RGB" and image.mode == "L":
            image = image.convert("RGB")
        if mode != image.mode:
            return None
        made: Image.Image | None = ImageCms.profileToProfile(
            image, described, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return made
