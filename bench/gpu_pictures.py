"""`python -m bench.gpu_pictures CLIP`: least PSNR in dB of the GPU's frames to the CPU's."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from gpu_worker.media.cpu_engine import CpuEngine
from gpu_worker.media.cuda.agreement import psnr_db
from gpu_worker.media.cuda.choice import Choice
from gpu_worker.media.cuda.engine import CudaEngine
from gpu_worker.media.decoding.footage import Source
from gpu_worker.media.decoding.probe import probe
from gpu_worker.media.pipeline import Threads
from gpu_worker.media.render import cores_here
from shared.render.cropping import Rect, Size
from shared.render.effects import Effect
from shared.render.keyframes import Keyframe
from shared.render.plan import Plan, plan_framing, plan_overlay
from shared.render.regions import Region

_FRAMES = 12
_SAME_DB = 100.0  # of frames that are the same sample for sample


def plans(source: Source) -> Iterator[tuple[str, Plan]]:
    """A crop that moves and one for each effect, with what to call it."""
    shown = source.footage.size
    output = Size(shown.height_px // 16 * 6, shown.height_px // 8 * 4)
    tall = shown.height_px * 0.83
    stops = [
        Keyframe(n, Rect(10.3 + 3.7 * n, 5.1, tall * output.width_px / output.height_px, tall))
        for n in (0, _FRAMES)
    ]
    yield "framing", plan_framing(source.footage, output, stops)
    middle = shown.width_px / 2, shown.height_px / 2
    region = Region(0, _FRAMES, *middle, shown.width_px / 5, shown.height_px / 4, edge_px=4.0)
    for effect in Effect:
        if effect is not Effect.NONE:
            yield effect.value, plan_overlay(source.footage, shown, (), [region], effect)


def least_psnr_db(source: Source, plan: Plan, choice: Choice) -> float:
    """The least of the first frames of a plan, made on both, `_SAME_DB` at most."""
    cpu = CpuEngine(Threads.for_cores(cores_here()))
    wanted = plan.frames[:_FRAMES]
    with (
        CudaEngine(choice, cpu).frames(source, plan, wanted) as ours,
        cpu.frames(source, plan, wanted) as theirs,
    ):
        pairs = list(zip(islice(ours, len(wanted)), theirs, strict=True))
        return min(*(psnr_db(*pair) for pair in pairs), _SAME_DB)


def main(clip: Path) -> None:
    """Print the least of all plans, decoded here and there."""
    source = probe(clip)
    decoded_here = Choice(warp=True)
    choices = (decoded_here, replace(decoded_here, decode=True))
    least = (
        least_psnr_db(source, plan, choice) for _, plan in plans(source) for choice in choices
    )
    print(min(least))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
