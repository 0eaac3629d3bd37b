"""`hostile.doors`: a file at each door in turn, and what came of it there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gpu_worker.kind_work import Made, Work
from gpu_worker.kinds.export import frame, framing, overlay
from gpu_worker.kinds.media import ingest
from gpu_worker.media.decoding.probe import probe
from gpu_worker.sandbox.ending import failed
from shared.job_kind import JobKind, PriceRule, Wire

_SOURCE = {"asset_id": "a1"}
_SMALL = {"output_width": 64, "output_height": 64}


class DoorsInput(Wire):
    """Which doors; `secret` is what must not be in anything that is made."""

    doors: list[str]
    secret: str


class DoorsOutput(Wire):
    """How it ended at each, by the file's name and then the door's.

    `rendered`, or a failure's code. `said`: what a person would have read.
    """

    ends: dict[str, dict[str, str]]
    said: list[str]


def run(work: Work[DoorsInput]) -> Made:
    """Take each file but the good one through each door, in a folder of its own."""
    said: list[str] = []
    ends = {
        name: {
            door: _end(door, replace(work, files={**work.files, "source": path}), said)
            for door in work.input.doors
        }
        for name, path in work.files.items()
        if name != "good"
    }
    return Made(DoorsOutput(ends=ends, said=said))


def _end(door: str, work: Work[DoorsInput], said: list[str]) -> str:
    with TemporaryDirectory() as folder:
        try:
            DOORS[door](work, Path(folder))
        except Exception as error:  # noqa: BLE001 - as a child's outermost loop does
            told = failed(error)
            said.append(told.public)
            return told.code
        _look_for(work.input.secret.encode(), Path(folder))
    return "rendered"


def _look_for(secret: bytes, place: Path) -> None:
    made = [each for each in place.rglob("*") if each.is_file()]
    if any(secret in each.read_bytes() for each in made):
        raise AssertionError("a secret is in what was made")


def _done(
    module: Any, work: Work[DoorsInput], place: Path, files: dict[str, Path], **fields: Any
) -> None:
    module.run(
        Work(
            input=module.KIND.parse_input({"source": _SOURCE, **fields}),
            files=files,
            scratch=place,
            progress=lambda stage, fraction: None,
            warn=work.warn,
            looking=work.looking,
            probed=work.probed,
        )
    )


def _probe(work: Work[DoorsInput], _place: Path) -> None:
    with work.looking():
        probe(work.files["source"])


def _source(module: Any, **fields: Any) -> Callable[[Work[DoorsInput], Path], None]:
    def door(work: Work[DoorsInput], place: Path) -> None:
        _done(module, work, place, {"source": work.files["source"]}, **fields)

    return door


def _layer(name: str, **layer: Any) -> Callable[[Work[DoorsInput], Path], None]:
    """The file as what a layer over a good clip is made of."""

    def door(work: Work[DoorsInput], place: Path) -> None:
        files = {"source": work.files["good"], f"layers.0.{name}": work.files["source"]}
        content = {name: {"asset_id": "a2"}, **layer}
        _done(
            frame, work, place, files, layers=[content], frame=0, crop_keyframes=None, **_SMALL
        )

    return door


DOORS: dict[str, Callable[[Work[DoorsInput], Path], None]] = {
    "probe": _probe,
    "media.ingest": _source(ingest),
    "export.framing": _source(framing, crop_keyframes=None, **_SMALL),
    "export.overlay": _source(overlay, crop_keyframes=None, **_SMALL),
    "export.frame": _source(frame, frame=0, crop_keyframes=None, **_SMALL),
    "layer image": _layer("image", type="image", width=0.5),
    "layer font": _layer("font_file", type="text", text="ABZ", size=0.5),
}

KIND: JobKind[Any, Any] = JobKind(
    name="hostile.doors",
    version=1,
    description="Tries doors.",
    input=DoorsInput,
    output=DoorsOutput,
    outputs={"video": "video/mp4"},
    stages=("prepare", "work", "upload", "persist"),
    compute="cpu",
    price=PriceRule(lambda *_: 60.0, lambda *_: 1.0, "flat"),
    deadline_s=600,
)
