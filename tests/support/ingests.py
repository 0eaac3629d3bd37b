"""Run `media.ingest` on a local file, as the runner would, and look at what came of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from gpu_worker.kind_work import Work
from gpu_worker.kinds.media.ingest import KIND, run
from gpu_worker.media.picture.resample import PlaneResampler
from shared.kinds.media.ingest import IngestResult


@dataclass(frozen=True, slots=True)
class Ingested:
    """A finished ingest: its thumbnail, and what was said on the way."""

    thumbnail: Image.Image
    result: IngestResult
    facts: dict[str, Any]
    progress: list[tuple[str, float]]


def ingest(
    source: Path, scratch: Path, resampler: PlaneResampler | None = None, **fields: Any
) -> Ingested:
    """Ingest a file. Raises `JobFailed`."""
    said: list[tuple[str, float]] = []
    facts: dict[str, Any] = {}
    scratch.mkdir(parents=True, exist_ok=True)
    made = run(
        Work(
            input=KIND.parse_input({"source": {"asset_id": "a1"}, **fields}),
            files={"source": source},
            scratch=scratch,
            progress=lambda stage, fraction: said.append((stage, fraction)),
            warn=lambda notice: None,
            probed=lambda name, found: facts.update(found),
        ),
        resampler,
    )
    (file,) = made.files
    assert (file.name, file.content_type) == ("thumbnail", "image/png")
    with Image.open(file.path, formats=("PNG",)) as image:
        image.load()
    assert isinstance(made.result, IngestResult)
    return Ingested(image, made.result, facts, said)
