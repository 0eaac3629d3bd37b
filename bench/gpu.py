"""Figures of a render with a GPU, where there is one: its time and picture beside the CPU's."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bench.clips import Film, textured
from bench.figures import CannotRun, Figure, Measurement
from bench.paired import Cost, interleaved
from bench.rendering import HEIGHT_PX, OUTPUT, RATE, WIDTH_PX, framing_order
from bench.warm_worker import WarmWorker, warm_worker
from bench.workplace import LONGEST_S, Workplace
from gpu_worker.hardware import Hardware
from gpu_worker.hardware_search import DEVICE_NODE, HardwareSearch
from gpu_worker.sandbox.child_messages import ChildMessage, Warned
from gpu_worker.sandbox.zygote_process import clean_environment


def found(place: Workplace) -> Hardware:
    """What the GPU here does. Raises `CannotRun` where there is none or it does nothing."""
    if not DEVICE_NODE.exists():
        raise CannotRun("this machine has no NVIDIA GPU")
    environment = clean_environment(os.environ, numba_cache_dir=str(place.kernels))
    hardware = HardwareSearch("cuda", environment).found(LONGEST_S)
    if not hardware.warps:
        raise CannotRun("the GPU of this machine runs no kernels: `make test-gpu` says why")
    return hardware


def framing(place: Workplace) -> Mapping[str, float]:
    """Our moving crop with the GPU beside the same one without."""
    hardware = found(place)
    film = Film(WIDTH_PX, HEIGHT_PX, RATE, place.effort.clip_s)
    clip = textured(place.room("clip") / "clip.mp4", film)
    order = framing_order(film, OUTPUT)
    with warm_worker(place) as worker:
        best = interleaved(
            {
                "cpu": partial(worker.cost, "export.framing", clip, order),
                "gpu": partial(_with_gpu, worker, clip, order, hardware),
            },
            place.effort.rounds,
        )
    return {"gpu_framing_wall_vs_cpu": best["gpu"].wall_s / best["cpu"].wall_s}


def pictures(place: Workplace) -> Mapping[str, float]:
    """The least PSNR of the GPU's frames to the CPU's, before they are encoded."""
    found(place)
    film = Film(WIDTH_PX, HEIGHT_PX, RATE, 2)
    clip = textured(place.room("clip") / "clip.mp4", film)
    # A process of its own: one that has spoken to the device can fork no zygote any more.
    return {"gpu_psnr_db": float(place.python("-m", "bench.gpu_pictures", str(clip)))}


def _with_gpu(
    worker: WarmWorker, clip: Path, order: Mapping[str, Any], hardware: Hardware
) -> Cost:
    """What a render took that the GPU has made; a CPU that stood in for it counts not."""
    warned: list[str] = []

    def hear(message: ChildMessage) -> None:
        if isinstance(message, Warned):
            warned.append(message.notice.code)

    made = worker.render("export.framing", clip, order, hardware, hear)
    made.path.unlink()
    if "gpu_unavailable" in warned:
        raise RuntimeError("the GPU failed, and the CPU made the export")
    return Cost(made.wall_s, float("nan"))


MEASUREMENTS = (
    Measurement((Figure("gpu_framing_wall_vs_cpu", "×", 0.8, judged=False),), framing),
    Measurement((Figure("gpu_psnr_db", "dB", 45, at_least=True),), pictures),
)
