"""Pictures made small."""

from PIL import Image

from shared.render.cropping import Size


def fitted_size(size: Size, max_side_px: int) -> Size:
    """The largest size of the same aspect within a square, never larger than it is."""
    longer = max(size.width_px, size.height_px)
    if longer <= max_side_px:
        return size
    return Size(
        max(1, round(size.width_px * max_side_px / longer)),
        max(1, round(size.height_px * max_side_px / longer)),
    )


def at_size(image: Image.Image, size: Size) -> Image.Image:
    """A picture at another size; what is transparent lends no colour to what is not."""
    if image.size == (size.width_px, size.height_px):
        return image
    # With an alpha channel Pillow multiplies by it first, and divides again afterwards.
    return image.resize((size.width_px, size.height_px), Image.Resampling.LANCZOS)
