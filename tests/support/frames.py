"""Run `export.frame` on a local file, as the runner would, and look at what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from gpu_worker.kind_work import Work
from gpu_worker.kinds.export.frame import KIND, run
from shared.kinds.export.frame import FrameResult


@dataclass(frozen=True, slots=True)
class Framed:
    """A finished picture, and what was said on the way."""

    image: Image.Image
    content_type: str
    result: FrameResult
    warnings: list[str]


def export_frame(
    source: Path, scratch: Path, files: Mapping[str, Path] | None = None, **fields: Any
) -> Framed:
    """Take a frame of a file. Raises `JobFailed`.

    `files` are those of the input besides the source, by their place in it.
    """
    warnings: list[str] = []
    scratch.mkdir(parents=True, exist_ok=True)
    made = run(
        Work(
            input=KIND.parse_input({"source": {"asset_id": "a1"}, **fields}),
            files={"source": source, **(files or {})},
            scratch=scratch,
            progress=lambda stage, fraction: None,
            warn=lambda notice: warnings.append(notice.code),
            probed=lambda name, facts: None,
        )
    )
    (file,) = made.files
    assert file.name == "image"
    with Image.open(file.path) as image:
        image.load()
    assert isinstance(made.result, FrameResult)
    assert made.result.size_bytes == file.path.stat().st_size
    return Framed(image, file.content_type, made.result, warnings)
