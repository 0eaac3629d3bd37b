"""Sound in an export: there if the input has it, and where it was against the picture."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.support.exports import Exported, export, heard, onsets_s, shots
from tests.support.footage import AUDIO_RATE, Clip, Sound, flashing

pytestmark = pytest.mark.media

SQUARE = {"output_width": 64, "output_height": 64}


def flashes_s(made: Exported) -> list[float]:
    return [float(shot.time) for shot in shots(made.path) if shot.y.mean() > 130]


@pytest.mark.parametrize(("sound", "beeps"), [("with", 3), ("longer", 3), ("shorter", 2)])
@pytest.mark.parametrize(
    "trim",
    [{}, {"start_time": 0.51}, {"start_time": 0.3, "end_time": 3.333}],
    ids=["whole", "start", "both"],
)
def test_d134_sound_keeps_to_its_picture(
    beep_and_flash: dict[str, Path],
    tmp_path: Path,
    trim: dict[str, float],
    sound: str,
    beeps: int,
) -> None:
    made = export("framing", beep_and_flash[sound], tmp_path / "scratch", **trim, **SQUARE)

    flashes, onsets = flashes_s(made), onsets_s(heard(made.path))

    assert len(flashes) == 3
    assert onsets == pytest.approx(flashes[:beeps], abs=0.02)
    assert made.result.has_audio


@pytest.mark.parametrize(
    ("trim", "cut_s"), [({}, 0.0), ({"start_time": 0.51}, 0.52)], ids=["whole", "start"]
)
def test_d134_sound_that_begins_before_the_picture_stays_in_sync(
    tmp_path: Path, trim: dict[str, float], cut_s: float
) -> None:
    # The picture begins a fifth of a second after the sound: time counts from the picture.
    stamps = [18_000 + 3600 * n for n in range(100)]
    clip = Clip(rate=Fraction(25), stamps=stamps, sound=Sound.beeps([1.2, 2.2, 3.2], 4.2))
    source = clip.write(tmp_path / "in.mp4", flashing(100, 25))

    made = export("framing", source, tmp_path / "scratch", **trim, **SQUARE)

    flashes = flashes_s(made)
    assert flashes == pytest.approx([n - cut_s for n in (1, 2, 3)], abs=1e-6)
    assert onsets_s(heard(made.path)) == pytest.approx(flashes, abs=0.02)


def test_d134_an_overlay_keeps_its_sound(
    beep_and_flash: dict[str, Path], tmp_path: Path
) -> None:
    made = export("overlay", beep_and_flash["with"], tmp_path / "scratch", **SQUARE)

    assert onsets_s(heard(made.path)) == pytest.approx(flashes_s(made), abs=0.02)


@pytest.mark.parametrize("kind", ["framing", "overlay"])
def test_d134_without_sound_there_is_none(
    beep_and_flash: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    made = export(kind, beep_and_flash["without"], tmp_path / "scratch", **SQUARE)

    assert not made.result.has_audio
    with av.open(str(made.path)) as file:
        assert [stream.type for stream in file.streams] == ["video"]


def test_d134_trimmed_sound_is_as_long_as_the_picture(
    beep_and_flash: dict[str, Path], tmp_path: Path
) -> None:
    made = export(
        "framing",
        beep_and_flash["longer"],
        tmp_path / "scratch",
        start_time=0.51,
        end_time=2.77,
        **SQUARE,
    )

    with av.open(str(made.path)) as file:
        sound = file.streams.audio[0]
        length_s = float(sound.duration * sound.time_base)
    # Sound comes in packets of 1024 samples; the last may reach past the cut.
    assert length_s == pytest.approx(made.result.duration_s, abs=2 * 1024 / AUDIO_RATE)
    assert made.result.duration_s == pytest.approx((70 - 13) / 25)
