"""Frames to fill whose memory is used again once nobody holds them."""

from collections import deque
from weakref import finalize

import numpy as np
from av.video.frame import VideoFrame

from gpu_worker.media.picture.planes import Array
from shared.render.cropping import Size

_POOLED = "yuv420p"  # of planar 4:2:0 the one that PyAV makes of memory of ours
_HEIGHT_STEP = 4  # and it takes the height for a multiple of this
_READ_PAST = 64  # bytes that vector code may read after the last sample


class FramePool:
    """Frames of one size and format, without padding between rows. Threads may share one.

    Memory fresh from the system is filled with zeros page by page as it is first written,
    which takes longer than to copy the frame. A frame's memory comes back when ffmpeg, and
    whoever else reads it, has let go of it: a frame may be kept for as long as it is needed.
    """

    def __init__(self, size: Size, pixel_format: str) -> None:
        self._size = size
        self._format = pixel_format
        self._pooled = pixel_format == _POOLED and size.height_px % _HEIGHT_STEP == 0
        self._free: deque[Array] = deque()

    def frame(self) -> VideoFrame:
        """A frame with samples of any value."""
        width, height = self._size.width_px, self._size.height_px
        if not self._pooled:
            return VideoFrame(width, height, self._format)
        rows = height * 3 // 2
        try:
            memory = self._free.pop()
        except IndexError:
            memory = np.empty(rows * width + _READ_PAST, np.uint8)
        lent = memory[: rows * width].reshape(rows, width)
        finalize(lent, self._free.append, memory).atexit = False
        return VideoFrame.from_numpy_buffer(lent, self._format)
