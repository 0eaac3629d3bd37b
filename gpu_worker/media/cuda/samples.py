"""Planes that lie in the device's memory, placed as `picture.planes` places those in ours."""

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Self, cast

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane

from gpu_worker.media.picture.look import Look
from gpu_worker.media.picture.placing import placed_picture
from gpu_worker.media.picture.planes import Array, Axis, Picture, Plane, subsampled
from shared.render.cropping import Size

CUDA, CPU = 2, 1  # DLDeviceType
_UNSIGNED = 1  # DLDataTypeCode: kDLUInt
# The formats that NVDEC decodes 4:2:0 to: their bits, and by how many they are shifted up.
DECODED: Mapping[str, tuple[int, int]] = MappingProxyType({"nv12": (8, 0), "p010le": (10, 6)})


class _Tensor(ctypes.Structure):
    """DLTensor of dlpack.h 0.8, which is how DLManagedTensor begins."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


@dataclass(frozen=True, slots=True)
class Memory:
    """Where a plane of a frame lies; `pitch` samples from one row to the next.

    `owner` keeps it alive. `interface` is what numba, cupy and torch take for a device array.
    """

    address: int
    device_type: int
    dtype: np.dtype[Any]
    rows: int
    pitch: int
    owner: object

    @property
    def __cuda_array_interface__(self) -> dict[str, object]:
        """All of it as one line of samples (CUDA array interface, version 3)."""
        return {
            "shape": (self.rows * self.pitch,),
            "typestr": self.dtype.str,
            "data": (self.address, False),
            "strides": None,
            "version": 3,
        }


def memory_of(plane: VideoPlane) -> Memory:
    """Where a plane lies, by DLPack: nothing is copied, the frame is kept alive.

    Raises `ValueError` for memory that is not of unsigned samples in rows.
    """
    capsule = plane.__dlpack__()
    api = ctypes.pythonapi
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = (ctypes.py_object, ctypes.c_char_p)
    # The capsule is never renamed: as it goes, its destructor lets the frame go.
    tensor = _Tensor.from_address(api.PyCapsule_GetPointer(capsule, b"dltensor"))
    if tensor.code != _UNSIGNED or tensor.bits not in (8, 16) or tensor.lanes != 1:
        raise ValueError(f"a plane of samples ({tensor.code}, {tensor.bits}, {tensor.lanes})")
    return Memory(
        address=tensor.data + tensor.byte_offset,
        device_type=tensor.device_type,
        dtype=np.dtype(f"<u{tensor.bits // 8}"),
        rows=tensor.shape[0],
        pitch=tensor.strides[0],
        owner=capsule,
    )


@dataclass(frozen=True, slots=True)
class DeviceSamples:
    """A plane on the device, as a kernel reads it: a line of samples and steps through it.

    It can be turned and mirrored as an array can, which is all that placing a plane takes.
    Samples are on the scale of `data` shifted down by `shift`.
    """

    data: Any
    shape: tuple[int, int]
    steps: tuple[int, int, int]
    shift: int = 0

    @classmethod
    def of_rows(cls, data: Any) -> Self:
        """An array of the device's that has no padding."""
        rows, columns = data.shape
        return cls(data.reshape(rows * columns), (rows, columns), (0, columns, 1))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a sample."""
        dtype: np.dtype[Any] = self.data.dtype
        return dtype

    @property
    def T(self) -> Self:  # noqa: N802 — the name numpy gives it
        """Rows become columns."""
        offset, down, across = self.steps
        return replace(self, shape=self.shape[::-1], steps=(offset, across, down))

    def __getitem__(self, part: slice | tuple[slice, slice]) -> Self:
        """Mirrored along the axes whose slice is `[::-1]`; no other slices are known."""
        offset, *steps = self.steps
        for axis, each in enumerate((part,) if isinstance(part, slice) else part):
            if each == slice(None, None, -1):
                offset += (self.shape[axis] - 1) * steps[axis]
                steps[axis] = -steps[axis]
            elif each != slice(None):
                raise ValueError(f"a plane on the device cannot be cut by {each}")
        down, across = steps
        return replace(self, steps=(offset, down, across))


def as_array(samples: DeviceSamples) -> Array:
    """The same, where a type says array: whoever reads it is a kernel of the device's."""
    return cast("Array", samples)


def decoded_picture(frame: VideoFrame, look: Look, line: Any) -> Picture:
    """A frame that NVDEC left on the device, placed in the displayed picture.

    `line` makes of a `Memory` the device's array of its samples. Raises `ValueError` for a
    format other than `DECODED`'s.
    """
    # A frame on the device hides the format of its samples behind its own.
    pixel_format = (frame.sw_format or frame.format).name
    if pixel_format not in DECODED:
        raise ValueError(f"the device decoded to {pixel_format}")
    bits, shift = DECODED[pixel_format]
    luma, chroma = (memory_of(plane) for plane in frame.planes[:2])
    rows, columns = (frame.height + 1) // 2, (frame.width + 1) // 2
    y_line, chroma_line = line(luma), line(chroma)
    centre = Axis(1, 0)
    across, down = subsampled(2, centred=look.chroma_centred), subsampled(2, centred=True)
    whole = DeviceSamples(y_line, (frame.height, frame.width), (0, luma.pitch, 1), shift)
    cb, cr = (
        DeviceSamples(chroma_line, (rows, columns), (first, chroma.pitch, 2), shift)
        for first in (0, 1)
    )
    planes = (
        Plane(as_array(whole), centre, centre),
        Plane(as_array(cb), across, down),
        Plane(as_array(cr), across, down),
    )
    return placed_picture(planes, Size(frame.width, frame.height), bits, look)
