"""What an export takes while it runs: memory that does not follow length, little scratch."""

import json
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.footage import Clip, Picture, Sound, grey

pytestmark = pytest.mark.media

ROOT = Path(__file__).parents[2]
CHILD = "tests.support.export_child"
RATE = Fraction(20)
# A decoded frame is 194 KB: a minute kept in memory or on disk would be 233 MB.
WIDTH, HEIGHT = 480, 270
ORDER = {
    "framing": {
        "crop_keyframes": [
            {"frame": 0, "x": 0, "y": 0, "width": 152, "height": 270},
            {"frame": 1200, "x": 300, "y": 0, "width": 152, "height": 270},
        ]
    },
    "overlay": {
        "highlight_regions": [
            {
                "start_frame": 0,
                "end_frame": 10_000,
                "x": 240,
                "y": 135,
                "radius_x": 60,
                "radius_y": 60,
            }
        ]
    },
}


def drifting(count: int) -> Iterator[Picture]:
    """A slope that moves, a different picture each frame."""
    slope = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) // 2
    return (grey(16 + (slope + 3 * n) % 200) for n in range(count))


@pytest.fixture(scope="module")
def lengths(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Ten seconds and a minute of the same."""
    folder = tmp_path_factory.mktemp("lengths")
    return {
        length_s: Clip(rate=RATE, crf=16, sound=Sound.beeps(range(length_s), length_s)).write(
            folder / f"{length_s}.mp4", drifting(length_s * 20)
        )
        for length_s in (10, 60)
    }


def exported_alone(kind: str, source: Path, scratch: Path) -> dict[str, Any]:
    order = {**ORDER[kind], "output_width": 152, "output_height": 270}
    child = subprocess.run(
        [sys.executable, "-m", CHILD, kind, source, scratch, json.dumps(order)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=240,
    )
    said: dict[str, Any] = json.loads(child.stdout)
    return said


@pytest.mark.parametrize("kind", ["framing", "overlay"])
def test_d133_memory_does_not_follow_length_and_scratch_stays_small(
    lengths: dict[int, Path], tmp_path: Path, kind: str
) -> None:
    short, long = (
        exported_alone(kind, lengths[length_s], tmp_path / str(length_s))
        for length_s in (10, 60)
    )

    assert (short["frames"], long["frames"]) == (200, 1200)
    assert long["peak_bytes"] / short["peak_bytes"] <= 1.1
    assert long["peak_bytes"] < 2**30
    assert long["scratch_peak_bytes"] < 2 * lengths[60].stat().st_size
