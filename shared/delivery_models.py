"""What an export's file is to be like, on the wire; the picture's content is said elsewhere.

Fields at their defaults are left out where an input is written down, so that an order that
names none of them is the same order, and has the same hash, as before there were any.
"""

from typing import Annotated, Any, Final

from pydantic import Discriminator, Field, Tag

from shared.job_kind import UNTAGGED, Rule, Wire
from shared.numbers import Number
from shared.render.cropping import Size
from shared.render.delivery import Codec, Delivery, Poster, Quality

QUIETEST_LUFS, LOUDEST_LUFS, USUAL_LUFS = -36.0, -5.0, -14.0
MAX_POSTER_TIME_S = 86_400.0
LEAST_AV1_SIDE_PX = 64  # of narrower pictures SVT-AV1 never finishes some

VIDEO_OUTPUT: Final = "video"
POSTER_OUTPUT: Final = "poster"
SPRITES_OUTPUT: Final = "sprites"
SPRITES_VTT_OUTPUT: Final = "sprites_vtt"
DELIVERY_OUTPUTS: Final = {
    VIDEO_OUTPUT: "video/mp4",
    POSTER_OUTPUT: "image/jpeg",
    SPRITES_OUTPUT: "image/jpeg",
    SPRITES_VTT_OUTPUT: "text/vtt",
}
OPTIONAL_OUTPUTS: Final = frozenset(DELIVERY_OUTPUTS) - {VIDEO_OUTPUT}


class PosterTime(Wire):
    """The frame a poster shows."""

    time: Annotated[Number, Field(ge=0, le=MAX_POSTER_TIME_S)] = Field(
        description="Seconds of the output, from 0; past its end is the last frame."
    )


class LoudnessTarget(Wire):
    """The loudness the sound is brought to, by EBU R128."""

    target_lufs: Annotated[Number, Field(ge=QUIETEST_LUFS, le=LOUDEST_LUFS)] = Field(
        USUAL_LUFS,
        description="Integrated loudness: −14 as music and video services play, −16 for "
        "speech, −23 for broadcast. True peaks stay at −1 dBTP or below.",
    )


def _sort_of_poster(value: Any) -> str:
    return "said" if isinstance(value, bool) else "time"


_PosterAsked = Annotated[
    Annotated[bool, Field(strict=True), Tag("said")] | Annotated[PosterTime, Tag("time")],
    Discriminator(_sort_of_poster),
    UNTAGGED,
]


def _is_usual(value: Any) -> bool:
    return value in (None, False, Codec.H264, Quality.STANDARD)


class DeliveryChoice(Wire):
    """The codec, how much is spent on the picture, and what goes beside the video."""

    codec: Codec = Field(
        Codec.H264,
        description="H.264 plays everywhere; HEVC and AV1 make smaller files, in more time.",
        exclude_if=_is_usual,
    )
    quality: Quality = Field(
        Quality.STANDARD,
        description="How much time and how many bytes are spent on the picture.",
        exclude_if=_is_usual,
    )
    poster: _PosterAsked = Field(
        False,
        description="Also make `poster`, a JPEG of one frame: of a `time`, or with true of the "
        "first well-exposed one.",
        exclude_if=_is_usual,
    )
    sprites: bool = Field(
        False,
        strict=True,
        description="Also make `sprites`, a JPEG sheet of small pictures for scrubbing, and "
        "`sprites_vtt`, the WebVTT that says which of them is when.",
        exclude_if=_is_usual,
    )
    loudness: LoudnessTarget | None = Field(
        None,
        description="Bring the sound to a loudness; null leaves it as it is.",
        exclude_if=_is_usual,
    )

    @property
    def delivery(self) -> Delivery:
        """The value the render takes."""
        return Delivery(
            codec=self.codec,
            quality=self.quality,
            poster=self._poster,
            sprites=self.sprites,
            loudness_lufs=self.loudness.target_lufs if self.loudness else None,
        )

    def must_fit(self, output: Size) -> None:
        """Break the rule where the codec makes no pictures of this size."""
        least_px = min(output.width_px, output.height_px)
        if self.codec is Codec.AV1 and least_px < LEAST_AV1_SIDE_PX:
            raise Rule(
                "validation_failed",
                f"av1 takes outputs of {LEAST_AV1_SIDE_PX} pixels a side and up; "
                f"this one has {least_px}",
                at=("codec",),
            )

    @property
    def _poster(self) -> Poster | None:
        if isinstance(self.poster, PosterTime):
            return Poster(self.poster.time)
        return Poster() if self.poster else None


def asked_outputs(order: DeliveryChoice) -> frozenset[str]:
    """The optional files an order asks for."""
    asked = {POSTER_OUTPUT} if order.poster else set()
    if order.sprites:
        asked |= {SPRITES_OUTPUT, SPRITES_VTT_OUTPUT}
    return frozenset(asked)


class SoundLoudness(Wire):
    """How loud the sound was and is, by EBU R128; true peaks in dB of full scale.

    `gain_db` is null where the sound was left alone. `limited`: peaks were held back.
    """

    target_lufs: float
    measured_lufs: float | None = Field(description="Null: nothing in it is loud enough.")
    measured_peak_dbtp: float | None
    gain_db: float | None = None
    limited: bool = False
    result_lufs: float | None = Field(description="Of the output, as coded.")
    result_peak_dbtp: float | None


class SpriteSheet(Wire):
    """The small pictures of `sprites`, in rows from the top left, and the time each is for."""

    count: int = Field(ge=1)
    columns: int = Field(ge=1)
    rows: int = Field(ge=1)
    width_px: int = Field(ge=1, description="Of one picture.")
    height_px: int = Field(ge=1, description="Of one picture.")
    interval_s: float = Field(gt=0, description="Seconds of the output each stands for.")


class Delivered(Wire):
    """What was made of a delivery's choices, besides the video."""

    codec: Codec = Codec.H264
    quality: Quality = Quality.STANDARD
    poster_time_s: float | None = Field(None, description="When `poster` is in the output.")
    sprites: SpriteSheet | None = None
    loudness: SoundLoudness | None = None
