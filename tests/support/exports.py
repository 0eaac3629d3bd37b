"""Run an export kind on a local file, and look at and listen to what came of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

import gpu_worker.kinds.export.framing
import gpu_worker.kinds.export.overlay
import shared.kinds.export.framing
import shared.kinds.export.overlay
from gpu_worker.kind_work import Work
from shared.render.cropping import Rect
from shared.render_models import ExportResult
from tests.support.footage import AUDIO_RATE, Colour, Plane, code_points

_KINDS: dict[str, Any] = {
    "framing": (shared.kinds.export.framing.KIND, gpu_worker.kinds.export.framing.run),
    "overlay": (shared.kinds.export.overlay.KIND, gpu_worker.kinds.export.overlay.run),
}


@dataclass(frozen=True, slots=True)
class Exported:
    """A finished export: its file, what was said on the way, and how much disk it took.

    `beside` are the files made besides the video, by their outputs' names.
    """

    path: Path
    result: ExportResult
    warnings: list[str]
    progress: list[tuple[str, float]]
    scratch_peak_bytes: int
    beside: dict[str, Path]


def export(
    name: str,
    source: Path,
    scratch: Path,
    files: Mapping[str, Path] | None = None,
    **fields: Any,
) -> Exported:
    """Export a file with the kind `export.<name>`, as the runner would. Raises `JobFailed`.

    `files` are those of the input besides the source, by their place in it.
    """
    kind, run = _KINDS[name]
    order = {"source": {"asset_id": "a1"}, "crop_keyframes": None, **fields}
    said: list[tuple[str, float]] = []
    warnings: list[str] = []
    sizes: list[int] = []

    def progress(stage: str, fraction: float) -> None:
        said.append((stage, fraction))
        sizes.append(sum(each.stat().st_size for each in scratch.rglob("*") if each.is_file()))

    scratch.mkdir(exist_ok=True)
    made = run(
        Work(
            input=kind.parse_input(order),
            files={"source": source, **(files or {})},
            scratch=scratch,
            progress=progress,
            warn=lambda notice: warnings.append(notice.code),
            probed=lambda name, facts: None,
        )
    )
    file, *others = made.files
    assert (file.name, file.content_type) == ("video", "video/mp4")
    beside = {each.name: each.path for each in others}
    sizes.append(file.path.stat().st_size)
    return Exported(file.path, made.result, warnings, said, max(sizes), beside)


@dataclass(frozen=True, slots=True)
class Shot:
    """One decoded frame: when it is shown, its planes, and the tags it carries."""

    time: Fraction
    y: Plane
    cb: Plane
    cr: Plane
    matrix: int
    colour_range: int


def shots(path: Path) -> Iterator[Shot]:
    """The frames of a 4:2:0 file as stored, in order."""
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            assert frame.pts is not None
            y, cb, cr = (_samples(plane) for plane in frame.planes)
            yield Shot(
                frame.pts * frame.time_base, y, cb, cr, frame.colorspace, frame.color_range
            )


def _samples(plane: Any) -> Plane:
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width].copy()


def heard(path: Path) -> NDArray[np.float32]:
    """The sound in mono, from time 0 of the file on; what is missing is silence."""
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        length = round(float(stream.duration * stream.time_base) * AUDIO_RATE) + AUDIO_RATE
        track = np.zeros(length, np.float32)
        to_mono = av.AudioResampler("fltp", "mono", AUDIO_RATE)
        for frame in file.decode(stream):
            at = round(frame.pts * frame.time_base * AUDIO_RATE)
            frame.pts = None
            for ready in to_mono.resample(frame):
                piece = ready.to_ndarray()[0]
                piece, at = piece[max(0, -at) :], max(0, at)
                track[at : at + len(piece)] = piece[: max(0, length - at)]
                at += len(piece)
        return track


def onsets_s(samples: NDArray[np.float32]) -> list[float]:
    """When a tone sets in: the first loud sample after 50 ms without one."""
    loud = np.flatnonzero(np.abs(samples) > 0.25)
    after_silence = np.diff(loud, prepend=-AUDIO_RATE) > AUDIO_RATE // 20
    return (loud[after_silence] / AUDIO_RATE).tolist()


def brightness_at(plane: Plane, x: float, y: float) -> float:
    """The mean of the 3 × 3 samples around a point."""
    column, row = int(x), int(y)
    return float(plane[row - 1 : row + 2, column - 1 : column + 2].mean())


def rgb_at(shot: Shot, x: float, y: float, reach_px: int = 8) -> list[float]:
    """The mean colour around a point, in R, G, B, by the file's own tags."""
    colour = Colour(shot.matrix, shot.colour_range)
    half = reach_px // 2
    column, row = round(x), round(y)
    luma = shot.y[row - reach_px : row + reach_px, column - reach_px : column + reach_px]
    chroma = [
        plane[row // 2 - half : row // 2 + half, column // 2 - half : column // 2 + half]
        for plane in (shot.cb, shot.cr)
    ]
    return colour.rgb_of(luma.mean(), chroma[0].mean(), chroma[1].mean()).tolist()


def number_in(luma: Plane, at: tuple[int, int], rect: Rect) -> int:
    """The number painted at `at` of the input, in an output that shows `rect` of it."""
    across, down = luma.shape[1] / rect.width, luma.shape[0] / rect.height
    points = [((x - rect.x) * across, (y - rect.y) * down) for x, y in code_points(at)]
    return sum((brightness_at(luma, *point) > 125) << bit for bit, point in enumerate(points))


def centroid(luma: Plane, around: tuple[float, float], reach_px: float) -> tuple[float, float]:
    """Where the bright dot near a point is: the mean of its light above the background."""
    left, top = round(around[0] - reach_px), round(around[1] - reach_px)
    side = round(2 * reach_px)
    light = luma[top : top + side, left : left + side].astype(float)
    # A dot's foot drowns in coding noise: what is under it would pull to the window's middle.
    light = np.clip(light - np.median(light) - 10, 0, None)
    across = np.arange(left, left + light.shape[1]) + 0.5
    down = np.arange(top, top + light.shape[0]) + 0.5
    total = light.sum()
    return float((light.sum(0) @ across) / total), float((light.sum(1) @ down) / total)


def shown_rect(
    luma: Plane, dots: list[tuple[float, float]], expected: Rect, reach_px: float
) -> Rect:
    """The rectangle of the input that a picture shows, from where a lattice's dots are in it.

    A line through (place in the output, place in the input) by least squares for each axis;
    `expected` only says where to look, `reach_px` is how far in pixels of the output.
    """
    height, width = luma.shape
    across, down = width / expected.width, height / expected.height
    pairs = []
    for x, y in dots:
        u, v = (x - expected.x) * across, (y - expected.y) * down
        if reach_px < u < width - reach_px and reach_px < v < height - reach_px:
            pairs.append(((x, y), centroid(luma, (u, v), reach_px)))
    inputs, outputs = (np.array(each) for each in zip(*pairs, strict=True))
    slope_x, left = np.polyfit(outputs[:, 0], inputs[:, 0], 1)
    slope_y, top = np.polyfit(outputs[:, 1], inputs[:, 1], 1)
    return Rect(float(left), float(top), float(slope_x * width), float(slope_y * height))
