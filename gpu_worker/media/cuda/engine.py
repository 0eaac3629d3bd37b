"""The engine with a GPU: NVDEC decodes, our kernels paint and crop, NVENC encodes.

Which of them it does is chosen for each render; the CPU's engine does the rest. Finished
frames come down to the host's memory: layers and stills are made of them there, and NVENC
takes them from there. At 1080p that is 3 MB a frame over a bus that carries thousands of
times as much in a second, and one thing less that differs from the CPU's way.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from av.codec.hwaccel import HWAccel
from av.video.frame import VideoFrame

from gpu_worker.media.cpu_engine import CpuEngine, CpuFrames
from gpu_worker.media.cuda.agreement import DeviceDisagrees, vouched_for
from gpu_worker.media.cuda.choice import Choice
from gpu_worker.media.cuda.device import Device, open_device
from gpu_worker.media.cuda.effects import CudaEffects
from gpu_worker.media.cuda.encoders import cuda_encoder
from gpu_worker.media.cuda.resample import CudaResampler
from gpu_worker.media.cuda.samples import decoded_picture
from gpu_worker.media.decoding.footage import Source
from gpu_worker.media.decoding.frame_reader import FrameReader
from gpu_worker.media.decoding.pictures import picture_of
from gpu_worker.media.encoding.encoders import Encoder
from gpu_worker.media.engine import Finish
from gpu_worker.media.picture.effects import Painter
from gpu_worker.media.picture.planes import Picture
from gpu_worker.media.picture.resample import Resampler
from gpu_worker.media.pipeline import painted
from shared.render.delivery import Delivery
from shared.render.plan import Plan

_ON_DEVICE = "cuda"


@dataclass(frozen=True, slots=True)
class CudaEngine:
    """Renders with the GPU what `choice` says, and with `cpu` what is left.

    One thread speaks to the device: its work is put on one stream whoever speaks. `device`
    opens it, for each part of a plan anew.
    """

    choice: Choice
    cpu: CpuEngine
    name: str = "cuda"
    device: Callable[[], Device] = open_device

    @contextmanager
    def frames(
        self,
        source: Source,
        plan: Plan,
        wanted: range,
        finish: Finish | None = None,
        bits: int = 8,
    ) -> Iterator[CpuFrames]:
        """As `Engine` says. Raises what ffmpeg and numba raise where the device fails."""
        if not self.choice.warp:
            with self.cpu.frames(source, plan, wanted, finish, bits) as frames:
                yield frames
            return
        reader = self._reader(source)
        device = self.device()
        painter = Painter(plan.effect, source.look, CudaEffects(device))
        resampler = Resampler(plan.output, CudaResampler(device), bits=bits)

        def placed(frame: VideoFrame) -> Picture:
            if frame.format.name != _ON_DEVICE:
                return device.put_picture(picture_of(frame, source.look))
            if frame.interlaced_frame:
                raise DeviceDisagrees("a frame in the middle has fields, which the CPU joins")
            return decoded_picture(frame, source.look, device.line)

        def paint(n: int, frame: VideoFrame) -> VideoFrame:
            picture = painter.painted(placed(frame), plan.regions(n))
            made = resampler.frame(picture, plan.rect(n))
            if finish is not None:
                finish(n, made)
            return made

        threads = replace(self.cpu.threads, paint=1)
        with painted(reader.frames(wanted), paint, threads) as ready:
            first = partial(self._first_of_cpu, source, plan, wanted[:1], finish, bits)
            yield CpuFrames(
                reader,
                vouched_for(ready, first, lambda: self.choice.decode and bool(reader.remarks)),
            )

    def encoder(self, delivery: Delivery, bits: int = 8) -> Encoder:
        """As `Engine` says."""
        if self.choice.encode:
            return cuda_encoder(delivery, bits)
        return self.cpu.encoder(delivery, bits)

    def _first_of_cpu(
        self, source: Source, plan: Plan, wanted: range, finish: Finish | None, bits: int
    ) -> VideoFrame:
        with self.cpu.frames(source, plan, wanted, finish, bits) as frames:
            return next(iter(frames))

    def _reader(self, source: Source) -> FrameReader:
        if not self.choice.decode:
            return FrameReader(source, self.cpu.threads.decode)
        # Owned by the device: left there, in the context that numba's kernels run in too.
        accelerator = HWAccel(_ON_DEVICE, allow_software_fallback=False, is_hw_owned=True)
        return FrameReader(source, 1, accelerator)
