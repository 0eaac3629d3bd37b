"""How a video's samples become what a person sees."""

from dataclasses import dataclass

from gpu_worker.media.picture.colour import Colours
from gpu_worker.media.picture.planes import Orientation
from gpu_worker.media.picture.tone_mapping import ToneMap
from shared.render.cropping import Size


@dataclass(frozen=True, slots=True)
class Look:
    """How decoded samples become the displayed picture.

    `pixel_format` is the decoder's; `chroma_centred` tells whether subsampled chroma lies
    in the middle of its pixels along a row, as in JPEG. `colours` are those of the pictures
    that are worked on: the file's own, or for HDR, with a `tone_map`, what that makes of them.
    `interlaced` is what the first frame says; each says it for itself.
    """

    displayed: Size
    orientation: Orientation
    colours: Colours
    pixel_format: str
    chroma_centred: bool
    tone_map: ToneMap | None = None
    interlaced: bool = False

    @property
    def stored(self) -> Colours:
        """What the decoder's samples mean."""
        return self.tone_map.stored if self.tone_map else self.colours
