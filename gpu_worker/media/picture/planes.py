"""A decoded picture as three planes of samples, each with its place in the displayed frame.

Rotation, mirroring, non-square pixels and chroma siting are all told by where a sample lies
in the picture as displayed. So nothing is turned or scaled beforehand: a plane is a view,
and an axis is an affine map that whoever reads the plane composes with his own.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from av.video.plane import VideoPlane

from shared.render.cropping import Size

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Axis:
    """Where the samples of one axis lie: at display position p, sample edge scale·p + shift.

    The centre of sample *i* is at edge *i* + 0.5. `scale` is samples per displayed pixel.
    """

    scale: float
    shift: float

    def mirrored(self, samples: int, length_px: float) -> "Axis":
        """The same samples counted from the other end of a length of the picture."""
        return Axis(self.scale, samples - self.scale * length_px - self.shift)

    def over(self, factor: float) -> "Axis":
        """The same samples where each pixel is shown `factor` pixels long."""
        return Axis(self.scale / factor, self.shift)


@dataclass(frozen=True, slots=True)
class Plane:
    """One plane: (rows, columns) of unsigned samples, and its two axes."""

    samples: Array
    x: Axis
    y: Axis


@dataclass(frozen=True, slots=True)
class Picture:
    """Y, Cb and Cr of one frame, with as many `bits` a sample, in full or limited range."""

    planes: tuple[Plane, Plane, Plane]
    bits: int
    full: bool

    @property
    def peak(self) -> int:
        """The largest sample: 255 for 8 bits, 1023 for 10."""
        return (1 << self.bits) - 1

    @property
    def unit(self) -> float:
        """What one step of an 8-bit sample is in these: 1 for 8 bits, 4 for limited 10.

        Full range puts white on the largest sample, so there it is 1023/255.
        """
        return unit_of(self.bits, self.full)


def unit_of(bits: int, full: bool) -> float:
    """What one step of an 8-bit sample is among samples of so many bits."""
    return ((1 << bits) - 1) / 255 if full else float(1 << (bits - 8))


def grey_of(bits: int) -> int:
    """The chroma sample without colour, in both ranges: 128 for 8 bits."""
    return 1 << (bits - 1)


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of eight ways to hold a picture: turned over its diagonal first, then mirrored."""

    transposed: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False

    @classmethod
    def of_matrix(cls, matrix: bytes) -> "Orientation":
        """Read a display matrix: nine native 32-bit integers, ISO/IEC 14496-12, 8.2.2.

        A point (p, q) of the coded picture goes to (a·p + c·q, b·p + d·q). Angles between
        the right ones are taken for the nearest of them.
        """
        a, b, _, c, d = np.frombuffer(matrix, np.int32, 5).tolist()
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    @property
    def quarter_turns(self) -> int:
        """1 where width and height change places, else 0."""
        return int(self.transposed)

    def placed(self, plane: Plane, coded: Size) -> Plane:
        """A view of a plane of a coded picture of this size, held this way."""
        samples, x, y = plane.samples, plane.x, plane.y
        width_px, height_px = coded.width_px, coded.height_px
        if self.transposed:
            samples, x, y = samples.T, y, x
            width_px, height_px = height_px, width_px
        if self.mirrored_x:
            samples, x = samples[:, ::-1], x.mirrored(samples.shape[1], width_px)
        if self.mirrored_y:
            samples, y = samples[::-1], y.mirrored(samples.shape[0], height_px)
        return Plane(samples, x, y)


def subsampled(factor: int, *, centred: bool) -> Axis:
    """A chroma axis with one sample for `factor` pixels, in the middle of them or on the first.

    Along a row MPEG-2 and all later codecs put 4:2:0 and 4:2:2 chroma on the first pixel of
    two, JPEG and MPEG-1 between them; down a column both put it between.
    """
    return Axis(1 / factor, 0.0 if centred else 0.5 - 0.5 / factor)


def samples_of(plane: VideoPlane, bits: int = 8) -> Array:
    """The rows of a plane with their padding: (height, line size in samples)."""
    dtype = np.dtype(np.uint8 if bits == 8 else np.uint16)
    rows: Array = np.frombuffer(memoryview(plane), dtype).reshape(
        -1, plane.line_size // dtype.itemsize
    )
    return rows[: plane.height]
