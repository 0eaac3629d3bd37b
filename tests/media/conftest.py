"""Footage that several of the media tests stand on."""

from fractions import Fraction
from pathlib import Path

import pytest

from tests.support.footage import Clip, Sound, flashing


@pytest.fixture(scope="session")
def beep_and_flash(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Four seconds at 25 a second that flash and beep at 1, 2 and 3 s, by their sound."""
    folder = tmp_path_factory.mktemp("flash")
    sounds = {
        "with": Sound.beeps([1, 2, 3], 4.0),
        "longer": Sound.beeps([1, 2, 3], 6.5),
        "shorter": Sound.beeps([1, 2], 2.4),
        "without": None,
    }
    return {
        name: Clip(rate=Fraction(25), sound=sound).write(
            folder / f"{name}.mp4", flashing(100, 25)
        )
        for name, sound in sounds.items()
    }
