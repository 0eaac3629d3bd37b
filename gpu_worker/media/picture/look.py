"""How a video's samples become what a person sees."""

from dataclasses import dataclass

from gpu_worker.media.picture.colour import Colours
from gpu_worker.media.picture.planes import Orientation
from shared.render.cropping import Size


@dataclass(frozen=True, slots=True)
class Look:
    """How decoded samples become the displayed picture.

    `pixel_format` is the decoder's; `chroma_centred` tells whether subsampled chroma lies
    in the middle of its pixels along a row, as in JPEG.
    """

    displayed: Size
    orientation: Orientation
    colours: Colours
    pixel_format: str
    chroma_centred: bool
