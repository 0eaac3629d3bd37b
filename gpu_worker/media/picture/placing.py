"""Where the planes of a decoded frame lie in the picture a person sees."""

from gpu_worker.media.picture.look import Look
from gpu_worker.media.picture.planes import Picture, Plane
from shared.render.cropping import Size

Planes = tuple[Plane, Plane, Plane]


def placed_picture(planes: Planes, coded: Size, bits: int, look: Look) -> Picture:
    """Y, Cb and Cr of a frame of this size, held and stretched as its video's look says.

    A frame of another size than the first, as when a stream switches, fills the same picture.
    """
    shown = look.displayed
    width, height = coded.width_px, coded.height_px
    if look.orientation.transposed:
        width, height = height, width
    y, cb, cr = (
        Plane(
            placed.samples,
            placed.x.over(shown.width_px / width),
            placed.y.over(shown.height_px / height),
        )
        for placed in (look.orientation.placed(each, coded) for each in planes)
    )
    return Picture((y, cb, cr), bits, full=look.colours.full)
