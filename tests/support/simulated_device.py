"""Run the device's kernels under numba's simulator, beside the CPU's, on small pictures.

`NUMBA_ENABLE_CUDASIM=1 python -m tests.support.simulated_device` prints JSON: case → the
largest and the mean difference of a sample, in levels, and the least range of a plane, which
tells whether there was a picture at all. A program of its own because
the variable is read as numba is imported, and changes `numba.cuda` for the whole process.
"""

import ctypes
import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import numpy as np
from av.video.frame import VideoFrame
from numba.cuda.simulator.kernel import BlockThread
from numpy.typing import NDArray

from gpu_worker.media.cpu_engine import CpuEngine
from gpu_worker.media.cuda.choice import Choice
from gpu_worker.media.cuda.device import Device
from gpu_worker.media.cuda.effects import CudaEffects
from gpu_worker.media.cuda.engine import CudaEngine
from gpu_worker.media.cuda.resample import CudaResampler
from gpu_worker.media.cuda.samples import Memory, decoded_picture
from gpu_worker.media.decoding.footage import Source
from gpu_worker.media.decoding.pictures import picture_of
from gpu_worker.media.decoding.probe import probe
from gpu_worker.media.engine import Engine
from gpu_worker.media.picture.colour import colours_of
from gpu_worker.media.picture.effects import Painter
from gpu_worker.media.picture.look import Look
from gpu_worker.media.picture.planes import Orientation, Picture, samples_of
from gpu_worker.media.picture.resample import Resampler
from gpu_worker.media.pipeline import Threads
from shared.render.cropping import Rect, Size
from shared.render.effects import Effect
from shared.render.keyframes import Keyframe
from shared.render.plan import Plan, plan_framing
from shared.render.regions import Region
from tests.support.footage import Clip, flat, grey, with_number

CODED, OUTPUT = Size(32, 24), Size(16, 20)
ORIENTATIONS = tuple(Orientation(*flags) for flags in product((False, True), repeat=3))
SHRINKS, GROWS, OVER_THE_EDGE = "shrinks", "grows", "whole"
RECTS = {
    SHRINKS: lambda shown: Rect(0.3, 0.6, shown.width_px - 0.7, shown.height_px - 1.1),
    GROWS: lambda shown: Rect(5.25, 4.5, 9.0, 8.75),
    OVER_THE_EDGE: lambda shown: Rect(0.0, 0.0, shown.width_px, shown.height_px),
}
REGIONS = (
    Region(0, 9, 8.3, 9.7, 6.5, 4.2, opacity=0.9, color=(250, 40, 30), edge_px=3.5),
    Region(0, 9, 16.0, 20.0, 4.0, 7.0, opacity=0.6, color=(20, 200, 90)),
)
Planes = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def start_and_wait(thread: Thread) -> None:
    """Start a thread of the simulator and wait until it ends.

    It asks without a pause whether its threads have come to a barrier or an end, which takes
    as long as their work. No kernel of ours has a barrier.
    """
    Thread.start(thread)
    thread.join()


def textured(bits: int) -> Planes:
    """Y, Cb and Cr with all a picture has: slopes, edges, noise, black and white."""
    random = np.random.default_rng(bits)
    rows, columns = np.mgrid[0 : CODED.height_px, 0 : CODED.width_px]
    luma = 128 + 90 * np.sin(rows / 3.1) * np.cos(columns / 4.3)
    luma[5:11, 18:28], luma[13:20, 3:9] = 250, 16
    luma += random.normal(0, 8, luma.shape)
    chroma = 128 + 60 * np.sin((rows + columns) / 5.0)[::2, ::2]
    planes = (luma, chroma, 255 - chroma[::-1])
    peak = (1 << bits) - 1
    made = [np.clip(plane * (peak / 255), 0, peak).astype(np.int64) for plane in planes]
    return made[0], made[1], made[2]


def planar(planes: Planes, bits: int) -> VideoFrame:
    """As the CPU decodes it."""
    frame = VideoFrame(
        CODED.width_px, CODED.height_px, "yuv420p" if bits == 8 else "yuv420p10le"
    )
    for plane, values in zip(frame.planes, planes, strict=True):
        samples_of(plane, bits)[:, : values.shape[1]] = values
    return frame


def interleaved(planes: Planes, bits: int) -> VideoFrame:
    """As NVDEC decodes it: Cb and Cr side by side, 10 bits on top of 16."""
    frame = VideoFrame(CODED.width_px, CODED.height_px, "nv12" if bits == 8 else "p010le")
    y, cb, cr = (values << (6 if bits == 10 else 0) for values in planes)
    samples_of(frame.planes[0], bits)[:, : y.shape[1]] = y
    chroma = samples_of(frame.planes[1], bits)
    chroma[:, 0 : 2 * cb.shape[1] : 2], chroma[:, 1 : 2 * cr.shape[1] : 2] = cb, cr
    return frame


def line_on(device: Device):
    """What takes the place of `Device.line` where a frame lies in the host's memory."""

    def line(memory: Memory):
        size = memory.rows * memory.pitch * memory.dtype.itemsize
        return device.put(np.frombuffer(ctypes.string_at(memory.address, size), memory.dtype))

    return line


def look_of(bits: int, orientation: Orientation, wider: int = 1) -> Look:
    """A look of the coded size, held in one of eight ways, pixels so many times as wide."""
    sides = CODED.width_px * wider, CODED.height_px
    shown = Size(*(sides[::-1] if orientation.transposed else sides))
    return Look(
        displayed=shown,
        orientation=orientation,
        colours=colours_of(1, 1, 1, 1, 720),
        pixel_format="yuv420p" if bits == 8 else "yuv420p10le",
        chroma_centred=False,
    )


def apart(ours: list[NDArray], theirs: list[NDArray]) -> dict[str, float]:
    """How far planes are from others, and from one level everywhere."""
    gaps = [a.astype(int) - b.astype(int) for a, b in zip(ours, theirs, strict=True)]
    ranges = [int(np.ptp(plane)) for plane in ours]
    return {
        "worst": float(max(abs(gap).max() for gap in gaps)),
        "mean": float(np.mean([abs(gap).mean() for gap in gaps])),
        "least_range": float(min(ranges)),
    }


def framed(
    device: Device,
    bits: int,
    orientation: Orientation,
    rect_name: str,
    *,
    wider: int = 1,
    out_bits: int = 8,
):
    """Crop and scale a picture on both."""
    look, planes = look_of(bits, orientation, wider), textured(bits)
    rect = RECTS[rect_name](look.displayed)
    there = decoded_picture(interleaved(planes, bits), look, line_on(device))
    here = picture_of(planar(planes, bits), look)
    ours = Resampler(OUTPUT, CudaResampler(device), bits=out_bits).frame(there, rect)
    theirs = Resampler(OUTPUT, bits=out_bits).frame(here, rect)
    return apart(shown_planes(ours, out_bits), shown_planes(theirs, out_bits))


def put_and_framed(device: Device, bits: int):
    """Crop and scale a picture that the CPU has decoded."""
    look, planes = look_of(bits, ORIENTATIONS[5]), textured(bits)
    rect = RECTS[GROWS](look.displayed)
    here = picture_of(planar(planes, bits), look)
    ours = Resampler(OUTPUT, CudaResampler(device)).frame(device.put_picture(here), rect)
    return apart(shown_planes(ours), shown_planes(Resampler(OUTPUT).frame(here, rect)))


def painted(device: Device, bits: int, effect: Effect):
    """Paint an effect on both."""
    look, planes = look_of(bits, ORIENTATIONS[4]), textured(bits)
    there = decoded_picture(interleaved(planes, bits), look, line_on(device))
    here = picture_of(planar(planes, bits), look)
    ours = Painter(effect, look, CudaEffects(device)).painted(there, REGIONS)
    theirs = Painter(effect, look).painted(here, REGIONS)
    found = apart(downloaded(ours), [each.samples for each in theirs.planes])
    before = [each.samples for each in here.planes]
    return {**found, "painted": apart(downloaded(ours), before)["worst"]}


def downloaded(picture: Picture) -> list[NDArray]:
    """The planes of a picture that lies on the device, without padding."""
    return [
        plane.samples.data.copy_to_host().reshape(plane.samples.shape)
        for plane in picture.planes
    ]


def shown_planes(frame: VideoFrame, bits: int = 8) -> list[NDArray]:
    """The planes of a finished frame, without padding."""
    return [samples_of(plane, bits)[:, : plane.width] for plane in frame.planes]


def whole_engine(device: Device):
    """Frames of a plan from a file, by both engines, the crop moving and a colour on top."""
    with TemporaryDirectory() as folder:
        pictures = (grey(with_number(flat(112, 48, 70), n, (4, 8))) for n in range(3))
        source = probe(Clip(rate=Fraction(25)).write(Path(folder) / "clip.mp4", pictures))
        stops = [Keyframe(0, Rect(2, 3, 40, 40)), Keyframe(2, Rect(9, 5, 36, 36))]
        plan = plan_framing(source.footage, Size(16, 16), stops)
        cpu = CpuEngine(Threads.for_cores(2))
        theirs = shown(cpu, source, plan)
        ours = shown(CudaEngine(Choice(warp=True), cpu, device=lambda: device), source, plan)
    return apart(ours, theirs)


def shown(engine: Engine, source: Source, plan: Plan) -> list[NDArray]:
    """The samples of all frames an engine makes, each darkened in a corner at last."""

    def finish(_n: int, frame: VideoFrame) -> None:
        samples_of(frame.planes[0])[:4, :4] = 33

    with engine.frames(source, plan, plan.frames, finish) as frames:
        return [plane.copy() for frame in frames for plane in shown_planes(frame)[:1]]


def cases() -> Iterator[tuple[str, dict[str, float]]]:
    """Every case with its outcome. One thread does it all, but where a grid is the question."""
    device = Device(block=(1, 1), most_blocks=1)
    for bits, turned in (*product((8,), range(8)), (10, 0), (10, 6)):
        name = (SHRINKS, GROWS, OVER_THE_EDGE)[turned % 3]
        yield f"framed {bits} {turned}", framed(device, bits, ORIENTATIONS[turned], name)
    for name in RECTS:
        yield f"framed {name}", framed(device, 8, ORIENTATIONS[0], name)
    wide = framed(device, 8, ORIENTATIONS[4], SHRINKS, wider=2)
    yield "framed wide", wide
    for bits in (8, 10):
        yield f"put {bits}", put_and_framed(device, bits)
        deep = framed(device, bits, ORIENTATIONS[1], GROWS, out_bits=10)
        yield f"framed {bits} to 10", deep
    for bits, effect in product((8, 10), [each for each in Effect if each is not Effect.NONE]):
        yield f"painted {bits} {effect.value}", painted(device, bits, effect)
    yield "whole engine", whole_engine(device)
    grid = Device(block=(3, 2), most_blocks=2)
    yield "a grid that does not fit", framed(grid, 8, ORIENTATIONS[3], SHRINKS)


if __name__ == "__main__":
    BlockThread.start = start_and_wait
    json.dump(dict(cases()), sys.stdout)
