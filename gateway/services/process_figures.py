"""All that one process counts as it works, in one place."""

from dataclasses import dataclass

from gateway.core.figures import BeatFigures, CallFigures, JobFigures, WriteFigures
from gateway.services.request_figures import RequestFigures


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """What this process counts; all of it begins at 0 when it starts."""

    requests: RequestFigures
    jobs: JobFigures
    calls: CallFigures
    writes: WriteFigures
    beats: BeatFigures
