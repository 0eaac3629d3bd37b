"""Real footage, as it comes: 12.5 frames a second, H.264 and AAC of another maker."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.exports import Exported, export, heard, shots

pytestmark = pytest.mark.media

CARS = Path(__file__).parents[2] / "infra/local/samples/car-detection.mp4"
SMALL = {"output_width": 180, "output_height": 320}


@pytest.fixture(scope="module")
def framed(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """All of the sample, cropped to its middle."""
    return export("framing", CARS, tmp_path_factory.mktemp("framed"), **SMALL)


def test_the_sample_is_framed_whole(framed: Exported) -> None:
    assert framed.result.frames == 377
    assert framed.result.rate == "25/2"
    assert framed.result.duration_s == pytest.approx(30.16)
    assert framed.result.has_audio
    assert framed.warnings == ["crop_defaulted"]
    assert len(list(shots(framed.path))) == 377


def test_a_trim_of_the_sample_shows_the_frames_of_the_whole(
    framed: Exported, tmp_path: Path
) -> None:
    # From 4 to 8 s a car passes: neighbouring frames differ.
    trim = {"start_time": 4.0, "end_time": 8.0}

    part = export("framing", CARS, tmp_path / "part", **trim, **SMALL)
    frames = [shot.y.astype(int) for shot in shots(framed.path)]
    kept = [shot.y.astype(int) for shot in shots(part.path)]
    apart = {
        shift: np.mean([abs(k - frames[50 + i + shift]).mean() for i, k in enumerate(kept)])
        for shift in (-1, 0, 1)
    }

    assert len(kept) == 50
    assert apart[0] < 2
    assert min(apart[-1], apart[1]) > 4 * apart[0]


def test_the_sample_is_highlighted_with_its_sound(tmp_path: Path) -> None:
    region = {"start_frame": 0, "end_frame": 377, "x": 384, "y": 216}

    made = export(
        "overlay",
        CARS,
        tmp_path / "scratch",
        highlight_regions=[{**region, "radius_x": 90, "radius_y": 60}],
        quality="draft",
        **SMALL,
    )

    assert made.warnings == []
    assert made.result.frames == 377
    assert len(heard(made.path)) >= 30 * 48_000
