"""What a file's samples mean: matrix, range, primaries and transfer, and colours in them.

Numbers are those of ITU-T H.273, which ffmpeg's enumerations follow.
"""

from dataclasses import dataclass

BT709, UNSPECIFIED, BT601 = 1, 2, 6  # H.273 tables 2–4: 6 is SMPTE 170M
LIMITED, FULL = 1, 2  # ffmpeg's AVColorRange
HD_LINES = 720  # from here up, untagged video is BT.709

BT2020, BT2020_TRANSFER, _470BG = 9, 14, 5
PQ, HLG = 16, 18  # table 3: SMPTE ST 2084 and ARIB STD-B67
# Table 4: YCgCo, Y'D'zD'x, ICtCp, IPT of Dolby Vision, YCgCo-Re and -Ro are no luma and
# differences of colours.
UNREADABLE = frozenset({8, 11, 14, 15, 16, 17})

# H.273 table 4: the weights of red and blue in luma. What is not listed here, and is not
# unreadable, follows from the primaries.
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
    """The tags as stated, gaps filled.

    A gap is filled with what the other tags belong to; where they say nothing, with BT.709
    from 720 lines up, else BT.601. Limited range unless full is stated.
    """
    usual = _standard_of(primaries, transfer) or (BT709 if height_px >= HD_LINES else BT601)
    return Colours(
        matrix=matrix if matrix in _LUMA else usual,
        primaries=usual if primaries in _GAPS else primaries,
        transfer=_TRANSFERS.get(usual, usual) if transfer in _GAPS else transfer,
        colour_range=FULL if colour_range == FULL else LIMITED,
    )


_GAPS = (0, UNSPECIFIED)
_TRANSFERS = {BT2020: BT2020_TRANSFER, _470BG: BT601}


def _standard_of(primaries: int, transfer: int) -> int | None:
    """The standard that stated primaries or an HDR transfer belong to, by its matrix."""
    if primaries in (BT709, _470BG, BT601, BT2020):
        return primaries
    return BT2020 if transfer in (PQ, HLG) else None
