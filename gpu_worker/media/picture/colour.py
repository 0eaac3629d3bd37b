"""What a file's samples mean: matrix, range, primaries and transfer, and colours in them.

Numbers are those of ITU-T H.273, which ffmpeg's enumerations follow.
"""

from dataclasses import dataclass

BT709, UNSPECIFIED, BT601 = 1, 2, 6  # H.273 tables 2–4: 6 is SMPTE 170M
LIMITED, FULL = 1, 2  # ffmpeg's AVColorRange
HD_LINES = 720  # from here up, untagged video is BT.709

# H.273 table 4: the weights of red and blue in luma. Matrices not listed here (ICtCp, YCgCo
# and other rarities) are treated as the default of the picture's size.
_LUMA = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}


@dataclass(frozen=True, slots=True)
class Colours:
    """The colour tags of a video; `colour_range` is `LIMITED` or `FULL`."""

    matrix: int
    primaries: int
    transfer: int
    colour_range: int

    @property
    def full(self) -> bool:
        """Whether samples use all codes, as JPEG does, or leave head and foot room."""
        return self.colour_range == FULL

    @property
    def luma_weights(self) -> tuple[float, float, float]:
        """What red, green and blue weigh in luma; they sum to 1."""
        red, blue = _LUMA[self.matrix]
        return red, 1.0 - red - blue, blue

    @property
    def spans(self) -> tuple[float, float, float]:
        """Code of black in luma, and the codes luma and chroma span, in 8 bits."""
        return (0.0, 255.0, 255.0) if self.full else (16.0, 219.0, 224.0)

    def codes(self, red: int, green: int, blue: int) -> tuple[float, float, float]:
        """Y, Cb and Cr of a colour of 0 … 255 each, as 8-bit codes with fractions."""
        weight_r, weight_g, weight_b = self.luma_weights
        luma = weight_r * red + weight_g * green + weight_b * blue
        black, luma_span, chroma_span = self.spans
        return (
            black + luma * luma_span / 255,
            128 + (blue - luma) / (2 - 2 * weight_b) * chroma_span / 255,
            128 + (red - luma) / (2 - 2 * weight_r) * chroma_span / 255,
        )


def colours_of(
    matrix: int, primaries: int, transfer: int, colour_range: int, height_px: int
) -> Colours:
    """The tags as stated, gaps filled: BT.709 from 720 lines up, else BT.601, limited."""
    usual = BT709 if height_px >= HD_LINES else BT601
    return Colours(
        matrix=matrix if matrix in _LUMA else usual,
        primaries=primaries if primaries not in (0, UNSPECIFIED) else usual,
        transfer=transfer if transfer not in (0, UNSPECIFIED) else usual,
        colour_range=FULL if colour_range == FULL else LIMITED,
    )
