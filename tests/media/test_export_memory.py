"""What an export takes while it runs: memory that does not follow length, little scratch."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from gpu_worker.sandbox.child_messages import ChildMessage
from gpu_worker.sandbox.children import Hear
from tests.support.warm_exports import Made, WarmExports, warm_exports

pytestmark = pytest.mark.media

RATE = 2
SHORT_S, LONG_S = 30, 600
# A decoded frame is 86 KB: all of the long one's, kept in memory or on disk, were 104 MB.
WIDTH, HEIGHT = 320, 180
SIZE = {"output_width": 152, "output_height": 180}
FRAMING = {
    "crop_keyframes": [
        {"frame": 0, "x": 0, "y": 0, "width": 152, "height": 180},
        {"frame": LONG_S * RATE, "x": 160, "y": 0, "width": 152, "height": 180},
    ]
}
OVERLAY = {
    "highlight_regions": [
        {
            "start_frame": 0,
            "end_frame": 10_000,
            "x": 160,
            "y": 90,
            "radius_x": 40,
            "radius_y": 40,
        }
    ]
}


@pytest.fixture(scope="module")
def lengths(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Half a minute and ten minutes of the same, with sound."""
    folder = tmp_path_factory.mktemp("lengths")
    return {
        length_s: clip(folder / f"{length_s}.mp4", length_s) for length_s in (SHORT_S, LONG_S)
    }


def clip(path: Path, length_s: int) -> Path:
    picture = f"testsrc2=size={WIDTH}x{HEIGHT}:rate={RATE}:duration={length_s}"
    sound = f"sine=sample_rate=16000:duration={length_s}"
    sources = [each for source in (picture, sound) for each in ("-f", "lavfi", "-i", source)]
    coded = ["-preset", "ultrafast", "-crf", "16", "-g", "40", "-c:a", "aac", "-b:a", "32k"]
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    command = [ffmpeg, "-loglevel", "error", *sources, "-c:v", "libx264", *coded, str(path)]
    subprocess.run(command, check=True, timeout=120)
    return path


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmExports]:
    with warm_exports(tmp_path_factory.mktemp("exports")) as warm:
        yield warm


class Scale:
    """Weighs what is added to a folder, whenever the child in it says something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.most_bytes = 0
        self.at_first_bytes = self._weight()

    def __call__(self, _message: ChildMessage) -> None:
        self.most_bytes = max(self.most_bytes, self._weight() - self.at_first_bytes)

    def _weight(self) -> int:
        sizes = []
        for path in self.folder.rglob("*"):
            try:
                sizes.append(path.stat().st_size)
            except FileNotFoundError:  # gone since it was listed
                continue
        return sum(sizes)


@pytest.mark.parametrize(
    ("kind", "fields", "processes"),
    [("framing", FRAMING, 1), ("framing", FRAMING, 2), ("overlay", OVERLAY, 1)],
    ids=["framing", "framing in two", "overlay"],
)
def test_d133_memory_does_not_follow_length_and_scratch_stays_small(
    exports: WarmExports,
    lengths: dict[int, Path],
    kind: str,
    fields: dict[str, Any],
    processes: int,
) -> None:
    def exported(length_s: int, hear: Hear) -> Made:
        order = {**SIZE, **fields}
        return exports.export(kind, lengths[length_s], processes=processes, hear=hear, **order)

    short = exported(SHORT_S, lambda _message: None)
    scale = Scale(exports.scratch)
    long = exported(LONG_S, scale)

    assert (short.frames, long.frames) == (SHORT_S * RATE, LONG_S * RATE)
    assert long.peak_bytes / short.peak_bytes <= 1.1
    assert long.peak_bytes < 500_000_000
    at_most_bytes = max(scale.most_bytes, long.path.stat().st_size)
    assert 0 < scale.most_bytes <= at_most_bytes < 2 * lengths[LONG_S].stat().st_size
