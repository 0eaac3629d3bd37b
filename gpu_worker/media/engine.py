"""What makes output frames of a plan: the seam between a render and what computes it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from av.video.frame import VideoFrame

from gpu_worker.media.decoding.footage import Source
from gpu_worker.media.encoding.encoders import Encoder
from shared.render.delivery import Delivery
from shared.render.plan import Plan, Remark

# Called with each finished frame's number on the input's timeline, by any thread.
Finish = Callable[[int, VideoFrame], None]


class OutputFrames(Protocol):
    """Finished frames in order, each once, in the pixel format the engine's encoder takes."""

    def __iter__(self) -> Iterator[VideoFrame]:
        """Yield the frames. Raises `JobFailed`."""

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What the person should know of what was read; complete after the last frame."""


class Engine(Protocol):
    """Decodes, paints and encodes on one sort of hardware."""

    @property
    def name(self) -> str:
        """What logs and results call it."""

    def frames(
        self,
        source: Source,
        plan: Plan,
        wanted: range,
        finish: Finish | None = None,
        bits: int = 8,
    ) -> AbstractContextManager[OutputFrames]:
        """Begin to make the output of `wanted`, a part of `plan.frames`.

        `finish` draws on each frame when it is otherwise done. `bits`, 8 or 10, are those of
        a sample of them. Leaving ends every thread,
        however it is left.
        """

    def encoder(self, delivery: Delivery, bits: int = 8) -> Encoder:
        """What encodes frames of so many bits a sample."""
