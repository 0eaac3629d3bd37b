"""The engine that needs no accelerator: decode, paint and encode in threads of one process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from av.video.frame import VideoFrame

from gpu_worker.media.decoding.footage import Source
from gpu_worker.media.decoding.frame_reader import FrameReader
from gpu_worker.media.decoding.pictures import picture_of
from gpu_worker.media.encoding.encoders import Encoder, cpu_encoder
from gpu_worker.media.engine import Finish
from gpu_worker.media.picture.effects import Painter
from gpu_worker.media.picture.planes import Picture
from gpu_worker.media.picture.resample import Resampler
from gpu_worker.media.pipeline import Threads, painted
from shared.render.cropping import Rect, Size
from shared.render.delivery import Delivery
from shared.render.plan import Plan, Remark
from shared.render.regions import Region


@dataclass(frozen=True, slots=True)
class CpuFrames:
    """Output frames as the pipeline finishes them."""

    _reader: FrameReader
    _ready: Iterator[VideoFrame]

    def __iter__(self) -> Iterator[VideoFrame]:
        """Yield them in order."""
        return self._ready

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What the reader found."""
        return self._reader.remarks


@dataclass(frozen=True, slots=True)
class CpuEngine:
    """Renders with as many threads of each sort as it is given."""

    threads: Threads
    name: str = "cpu"

    @contextmanager
    def frames(
        self,
        source: Source,
        plan: Plan,
        wanted: range,
        finish: Finish | None = None,
        bits: int = 8,
    ) -> Iterator[CpuFrames]:
        """As `Engine` says; a picture is read once and painted in a thread of its own."""
        reader = FrameReader(source, self.threads.decode)
        painter = Painter(plan.effect, source.look)
        resampler = Resampler(plan.output, bits=bits)

        def paint(n: int, frame: VideoFrame) -> VideoFrame:
            regions, rect = plan.regions(n), plan.rect(n)
            only = None if regions else _read_around(rect, plan.output)
            picture = picture_of(frame, source.look, only)
            made = _drawn(painter, resampler, picture, regions, rect)
            if finish is not None:
                finish(n, made)
            return made

        with painted(reader.frames(wanted), paint, self.threads) as ready:
            yield CpuFrames(reader, ready)

    def encoder(self, delivery: Delivery, bits: int = 8) -> Encoder:
        """As `Engine` says."""
        return cpu_encoder(delivery, self.threads.encode, bits)


def _read_around(rect: Rect, output: Size) -> Rect:
    """A crop and all that resampling it reads: Lanczos3 on chroma of pixels twice as wide."""
    step = max(rect.width / output.width_px, rect.height / output.height_px, 1.0)
    margin = 16 * step + 32
    return Rect(
        rect.x - margin, rect.y - margin, rect.width + 2 * margin, rect.height + 2 * margin
    )


def _drawn(
    painter: Painter,
    resampler: Resampler,
    picture: Picture,
    regions: Sequence[Region],
    rect: Rect,
) -> VideoFrame:
    """Paint and crop; straight onto the output where that shows the picture as it is."""
    canvas = resampler.canvas(picture, rect) if painter.paints(regions) else None
    if canvas is None:
        return resampler.frame(painter.painted(picture, regions), rect)
    painter.painted(picture, regions, canvas.picture)
    return canvas.frame
