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

RATE = 1
SHORT_S, LONG_S = 60, 600
# A decoded frame is 86 KB, a coded one 30: all of the long one's, kept in memory, were 52 MB
# or 18. All of its output's, decoded on disk, were 25 MB.
WIDTH, HEIGHT = 320, 180
CODED_BITS_PER_S = 240_000
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
    """A minute and ten minutes of the same, with sound."""
    folder = tmp_path_factory.mktemp("lengths")
    pictures = coded(
        folder / "pictures.mp4",
        f"testsrc2=size={WIDTH}x{HEIGHT}:rate={RATE}:duration={SHORT_S}",
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "20"),
        # Filled up to this size, which takes no time to code or to decode.
        *f"-b:v {CODED_BITS_PER_S} -maxrate {CODED_BITS_PER_S}".split(),
        *f"-bufsize {CODED_BITS_PER_S} -x264-params nal-hrd=cbr".split(),
    )
    tone = f"sine=sample_rate=16000:duration={SHORT_S}"
    sound = coded(folder / "sound.mp4", tone, "-c:a", "aac", "-b:a", "32k")
    return {
        length_s: repeated(folder / f"{length_s}.mp4", pictures, sound, length_s)
        for length_s in (SHORT_S, LONG_S)
    }


def coded(path: Path, source: str, *how: str) -> Path:
    ffmpeg("-f", "lavfi", "-i", source, *how, path)
    return path


def repeated(path: Path, pictures: Path, sound: Path, length_s: int) -> Path:
    """Both, again and again for so long."""
    again = ("-stream_loop", str(length_s // SHORT_S - 1), "-i")
    ffmpeg(*again, pictures, *again, sound, "-c", "copy", "-t", str(length_s), path)
    return path


def ffmpeg(*arguments: str | Path) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=120)


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
    assert 0 < scale.most_bytes < 2 * long.path.stat().st_size
