"""The device at work: memory on it, and kernels started with grids that suit it."""

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from gpu_worker.media.cuda.samples import DeviceSamples, Memory, as_array
from gpu_worker.media.picture.planes import Array, Picture, Plane

_DRIVER = "libcuda.so.1"  # what the host's driver brings
_BLOCKING_SYNC = 0x04  # CU_CTX_SCHED_BLOCKING_SYNC of cuda.h
_BLOCK = (32, 8)  # a warp along a row, so that what it reads lies side by side


class NoDevice(Exception):
    """The driver has no device for us, or not as we need it."""


def open_device() -> "Device":
    """The first visible GPU, so that ffmpeg and numba can share its context.

    Whichever comes second must find the primary context as it wants it: ffmpeg wants it to
    sleep while it waits, and refuses one that does not, as numba makes it by itself. Raises
    `NoDevice`.
    """
    try:
        driver = ctypes.CDLL(_DRIVER)
    except OSError as error:
        raise NoDevice(str(error)) from error
    for name, arguments in (
        ("cuInit", (0,)),
        ("cuDevicePrimaryCtxSetFlags_v2", (0, _BLOCKING_SYNC)),
    ):
        code = getattr(driver, name)(*arguments)
        if code != 0:
            raise NoDevice(f"{name} gives {code}")
    return Device()


class Device:
    """The first visible GPU, in one thread's hands.

    Everything is put on its default stream, on which ffmpeg's decoder works too: so a kernel
    runs after the frame it reads is decoded, and a download waits for the kernels before it.
    Raises what numba raises where there is no device, or it fails.
    """

    def __init__(self, block: tuple[int, int] = _BLOCK, most_blocks: int = 65_535) -> None:
        # Imported here: a process that forks later must not, and few machines have a GPU.
        from numba import cuda

        from gpu_worker.media.cuda import kernels

        self._cuda = cuda
        self._block = block
        self._most_blocks = most_blocks
        self.kernels = kernels

    def start(self, kernel: Any, shape: tuple[int, int], *args: Any) -> None:
        """Run a kernel over (rows, columns); it is done when its results are downloaded."""
        rows, columns = shape
        across, down = self._block
        grid = (
            min(-(-columns // across), self._most_blocks),
            min(-(-rows // down), self._most_blocks),
        )
        kernel[grid, self._block](*args)

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Any:
        """Memory on the device, without padding."""
        return self._cuda.device_array(shape, dtype)

    def put(self, values: Array) -> Any:
        """A copy of an array on the device."""
        return self._cuda.to_device(np.ascontiguousarray(values))

    def line(self, memory: Memory) -> Any:
        """What ffmpeg left on the device, as an array of the device's, without a copy."""
        return self._cuda.as_cuda_array(memory)

    def put_picture(self, picture: Picture) -> Picture:
        """The picture with its planes on the device."""
        y, cb, cr = (
            Plane(as_array(DeviceSamples.of_rows(self.put(plane.samples))), plane.x, plane.y)
            for plane in picture.planes
        )
        return Picture((y, cb, cr), picture.bits, picture.full)
