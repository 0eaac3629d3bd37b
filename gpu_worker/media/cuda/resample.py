"""The resampler on the device: the tables of `picture.resample`, two kernels for each plane."""

from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np

from gpu_worker.media.cuda.device import Device
from gpu_worker.media.cuda.samples import DeviceSamples
from gpu_worker.media.picture.planes import Array
from gpu_worker.media.picture.resample import Span

_KEPT_TABLES = 32  # a crop that rests on one axis or both finds its tables again


class CudaResampler:
    """A `PlaneResampler` whose source lies on the device and whose output does not."""

    def __init__(self, device: Device) -> None:
        from gpu_worker.media.picture.resample_kernels import lanczos_taps

        self._device = device
        self._lanczos_taps = lanczos_taps
        self._tables = lru_cache(maxsize=_KEPT_TABLES)(self._table)

    def __call__(
        self,
        source: Array,
        x: Span,
        y: Span,
        gain: float,
        out: Array,
        bias: float = 0.0,
        top: float = 255.0,
    ) -> None:
        """As `PlaneResampler` says."""
        if not isinstance(source, DeviceSamples):
            raise TypeError("the device reads no plane of the host's")
        rows, columns = source.shape
        _, across, across_weights = self._tables(x, columns, 1.0)
        tops, down, down_weights = self._tables(y, rows, gain / (1 << source.shift))
        first_row = int(tops[0])
        last_row = min(int(tops[-1]) + down_weights.shape[1], rows)
        kernels = self._device.kernels
        half = self._device.empty((last_row - first_row, x.count), np.float32)
        self._device.start(
            kernels.filter_across,
            half.shape,
            source.data,
            source.steps,
            columns,
            first_row,
            across,
            across_weights,
            half,
        )
        made = self._device.empty((y.count, x.count), out.dtype)
        self._device.start(
            kernels.filter_down,
            made.shape,
            half,
            first_row,
            down,
            down_weights,
            bias + 0.5,
            top,
            made,
        )
        out[:, : x.count] = made.copy_to_host()

    def _table(self, span: Span, size: int, gain: float) -> tuple[Array, Any, Any]:
        """Where each output sample begins to read, here and there, and what it weighs."""
        taps = ceil(2 * span.reach)
        starts = np.empty(span.count, np.int32)
        weights = np.empty((span.count, taps), np.float64)
        # A plane narrower than the kernel is read as if its edge went on.
        self._lanczos_taps(span.origin, span.step, max(size, taps), taps, starts, weights)
        scaled = (weights * gain).astype(np.float32)
        return starts, self._device.put(starts), self._device.put(scaled)
