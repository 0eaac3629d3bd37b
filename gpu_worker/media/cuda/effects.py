"""The effects' kernels on the device, behind the names and arguments of `effect_kernels`."""

from typing import Any

import numpy.typing as npt

from gpu_worker.media.cuda.device import Device
from gpu_worker.media.cuda.samples import DeviceSamples, as_array
from gpu_worker.media.picture.planes import Array

Box = tuple[int, int, int, int]


class CudaEffects:
    """What `picture.effects.Painter` is handed for pictures that lie on the device.

    Planes of samples are `DeviceSamples`, made by `empty` and so without padding.
    """

    def __init__(self, device: Device) -> None:
        self._device = device

    def empty(self, shape: tuple[int, int], dtype: npt.DTypeLike) -> Array:
        """As `effect_kernels` says."""
        return as_array(DeviceSamples.of_rows(self._device.empty(shape, dtype)))

    def copy(self, source: DeviceSamples, out: DeviceSamples) -> None:
        """As `effect_kernels` says; what was shifted up lies where its bits say afterwards."""
        self._start("copy", out, source.data, source.steps, source.shift, _rows(out))

    def blend_flat(
        self,
        samples: DeviceSamples,
        box: Box,
        axes: Array,
        ellipses: Array,
        ring_px: float,
        outside: bool,
        strength: float,
        target: float,
        peak: float,
    ) -> None:
        """As `effect_kernels` says."""
        top, bottom, left, right = box
        if top < bottom and left < right:
            self._device.start(
                self._device.kernels.blend_flat,
                (bottom - top, right - left),
                _rows(samples),
                box,
                self._device.put(axes),
                self._device.put(ellipses),
                ring_px,
                outside,
                strength,
                target,
                peak,
            )

    def blend_soft(
        self,
        samples: DeviceSamples,
        soft: DeviceSamples,
        step: int,
        border: int,
        axes: Array,
        ellipses: Array,
        strength: float,
        peak: float,
    ) -> None:
        """As `effect_kernels` says."""
        on_device = self._device.put(axes), self._device.put(ellipses)
        self._start(
            "blend_soft",
            samples,
            _rows(samples),
            _rows(soft),
            step,
            border,
            *on_device,
            strength,
            peak,
        )

    def shrink(
        self, samples: DeviceSamples, step_x: int, step_y: int, border: int, out: DeviceSamples
    ) -> None:
        """As `effect_kernels` says."""
        self._start("shrink", out, _rows(samples), step_x, step_y, border, _rows(out))

    def smooth(
        self, plane: DeviceSamples, half: DeviceSamples, weights_x: Array, weights_y: Array
    ) -> None:
        """As `effect_kernels` says."""
        put = self._device.put
        self._start("smooth_down", plane, _rows(plane), put(weights_y), _rows(half))
        self._start("smooth_across", plane, _rows(half), put(weights_x), _rows(plane))

    def stretch_rows(
        self, small: DeviceSamples, step: int, border: int, out: DeviceSamples
    ) -> None:
        """As `effect_kernels` says."""
        self._start("stretch_rows", out, _rows(small), step, border, _rows(out))

    def brighten(
        self,
        y: DeviceSamples,
        cb: DeviceSamples,
        cr: DeviceSamples,
        cell: tuple[int, int],
        axes: Array,
        chroma_axes: Array,
        ellipses: Array,
        strength: float,
        colour: Array,
    ) -> None:
        """As `effect_kernels` says."""
        self._start(
            "brighten",
            cb,
            _rows(y),
            _rows(cb),
            _rows(cr),
            cell,
            self._device.put(axes),
            self._device.put(chroma_axes),
            self._device.put(ellipses),
            strength,
            self._device.put(colour),
        )

    def _start(self, name: str, over: DeviceSamples, *args: Any) -> None:
        self._device.start(getattr(self._device.kernels, name), over.shape, *args)


def _rows(samples: DeviceSamples) -> Any:
    return samples.data.reshape(*samples.shape)
