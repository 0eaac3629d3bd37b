"""What a highlight does to the picture: the names and the numbers."""

from enum import StrEnum

from shared.render.cropping import Size


class Effect(StrEnum):
    """One effect for a whole export. m is the ellipses' coverage, o the strongest opacity."""

    BLUR = "blur"  # outside: mixed with a Gaussian blur by o·(1 − m)
    DARK_OVERLAY = "dark_overlay"  # outside: times 1 − DARKEN·o·(1 − m)
    BRIGHTNESS_BOOST = "brightness_boost"  # inside: times 1 + BRIGHTEN·o·m, clipped
    TINT = "tint"  # inside: mixed towards the region's colour by TINT·opacity, in list order
    OUTLINE = "outline"  # a ring in the region's colour along its ellipse, alpha = opacity
    NONE = "none"  # regions are not drawn


DARKEN = 0.6
BRIGHTEN = 0.35
TINT = 0.35


def blur_sigma_px(frame: Size) -> float:
    """Standard deviation of the blur: 1 % of the shorter side, at least 2 px."""
    return max(2.0, 0.01 * frame.shorter_px)


def outline_width_px(frame: Size) -> float:
    """Width of the ring: 0.5 % of the shorter side, at least 2 px."""
    return max(2.0, 0.005 * frame.shorter_px)
