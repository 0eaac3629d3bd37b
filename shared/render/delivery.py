"""What is written besides the picture's content: codec, quality, and what goes beside it."""

from dataclasses import dataclass
from enum import StrEnum


class Codec(StrEnum):
    """How the video is coded, always in MP4."""

    H264 = "h264"
    HEVC = "hevc"
    AV1 = "av1"


class Quality(StrEnum):
    """How much is spent on the picture: encoder settings, documented with them."""

    DRAFT = "draft"
    STANDARD = "standard"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Poster:
    """A still of the output, at a time of the output or of the first well-exposed frame."""

    time_s: float | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """The form an export is handed over in.

    `loudness_lufs`: the integrated loudness its sound is brought to, as EBU R128 measures it;
    None leaves the sound as loud as it is.
    """

    codec: Codec = Codec.H264
    quality: Quality = Quality.STANDARD
    poster: Poster | None = None
    sprites: bool = False
    loudness_lufs: float | None = None
