"""Real footage, as it comes: 12.5 frames a second, H.264 and AAC of another maker."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.exports import export, heard, shots

pytestmark = pytest.mark.media

CARS = Path(__file__).parents[2] / "infra/local/samples/car-detection.mp4"
SMALL = {"output_width": 180, "output_height": 320}


def test_the_sample_is_framed_whole(tmp_path: Path) -> None:
    made = export("framing", CARS, tmp_path / "scratch", **SMALL)

    assert made.result.frames == 377
    assert made.result.rate == "25/2"
    assert made.result.duration_s == pytest.approx(30.16)
    assert made.result.has_audio
    assert made.warnings == ["crop_defaulted"]
    assert len(list(shots(made.path))) == 377


def test_a_trim_of_the_sample_shows_the_frames_of_the_whole(tmp_path: Path) -> None:
    # From 4 to 8 s a car passes: neighbouring frames differ.
    crop = [{"frame": 0, "x": 200, "y": 0, "width": 243, "height": 432}]
    trim = {"start_time": 4.0, "end_time": 8.0}

    whole = export("framing", CARS, tmp_path / "whole", crop_keyframes=crop, **SMALL)
    part = export("framing", CARS, tmp_path / "part", crop_keyframes=crop, **trim, **SMALL)
    frames = [shot.y.astype(int) for shot in shots(whole.path)]
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
        **SMALL,
    )

    assert made.warnings == []
    assert made.result.frames == 377
    assert len(heard(made.path)) >= 30 * 48_000
