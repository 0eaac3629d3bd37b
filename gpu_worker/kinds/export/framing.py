"""`export.framing`: the kept part of a video, cropped along its keyframes, with its sound."""

from gpu_worker.kind_work import Made, Work
from gpu_worker.media.export_work import run_export
from shared.kinds.export.framing import KIND, FramingInput

__all__ = ["KIND", "run"]


def run(work: Work[FramingInput]) -> Made:
    """Make the export. Raises `JobFailed` with what the person can do about it."""
    return run_export(work, work.input.plan, work.input.output_size)
