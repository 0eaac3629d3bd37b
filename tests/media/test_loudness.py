"""Sound brought to a loudness, as the ffmpeg command measures it, and left where it was."""

import re
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.exports import Exported, export, heard, onsets_s, shots
from tests.support.footage import AUDIO_RATE, Clip, Sound, flashing

pytestmark = pytest.mark.media

SMALL = {"output_width": 96, "output_height": 64}
LENGTH_S, RATE = 3, Fraction(5)
TIMES = np.arange(LENGTH_S * AUDIO_RATE) / AUDIO_RATE


def noise(level: float, seed: int = 1) -> NDArray[np.float64]:
    """Noise of a voice's band, louder and softer twice a second."""
    rng = np.random.default_rng(seed)
    waves = np.fft.rfft(rng.normal(size=len(TIMES)))
    hertz = np.fft.rfftfreq(len(TIMES), 1 / AUDIO_RATE)
    waves *= (hertz > 150) * (hertz < 4000) / np.maximum(hertz, 300)
    voice = np.fft.irfft(waves, len(TIMES))
    return level * voice / voice.std() * (0.6 + 0.4 * np.sin(2 * np.pi * 2 * TIMES))


def drummed(samples: NDArray[np.float64], height: float) -> NDArray[np.float64]:
    """The same with a drum of this height each second, which rings for a tenth of one."""
    after_s = TIMES % 1.0
    return samples + height * np.exp(-after_s / 0.03) * np.sin(2 * np.pi * 180 * after_s)


SOUNDS = {
    "quiet noise": noise(0.01),
    "loud noise": noise(0.25),
    "tone": 0.05 * np.sin(2 * np.pi * 997 * TIMES),
    "noise with drums": drummed(noise(0.05), 0.8),
}


def clip(path: Path, samples: NDArray[np.float64]) -> Path:
    sound = Sound(samples.astype(np.float32))
    return Clip(rate=RATE, sound=sound).write(path, flashing(5 * LENGTH_S, 5))


def measured(path: Path) -> tuple[float, float]:
    """Integrated loudness and true peak, by the ffmpeg command."""
    how = ["-nostats", "-i", str(path), "-af", "ebur128=peak=true", "-f", "null", "-"]
    said = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), *how], check=True, timeout=60, capture_output=True
    ).stderr.decode()
    summary = said[said.rindex("Summary:") :]
    found = [re.search(rf"{name}: +(\S+) ", summary) for name in ("I", "Peak")]
    lufs, peak = (float(each.group(1)) for each in found if each is not None)
    return lufs, peak


def sound_length_s(path: Path) -> float:
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        return float(stream.duration * stream.time_base)


@pytest.mark.parametrize(
    ("sound", "target_lufs", "limited"),
    [
        ("quiet noise", -14.0, True),
        ("loud noise", -23.0, False),
        ("tone", -16.0, False),
        ("noise with drums", -14.0, True),
        ("noise with drums", -23.0, False),
    ],
)
def test_the_sound_comes_out_as_loud_as_asked(
    tmp_path: Path, sound: str, target_lufs: float, limited: bool
) -> None:
    source = clip(tmp_path / "in.mp4", SOUNDS[sound])

    made = export(
        "framing",
        source,
        tmp_path / "scratch",
        loudness={"target_lufs": target_lufs},
        **SMALL,
    )

    lufs, peak = measured(made.path)
    said = made.result.loudness
    assert lufs == pytest.approx(target_lufs, abs=0.5)
    assert peak <= -1.0
    assert made.warnings == ["crop_defaulted"]
    assert said is not None
    assert said.limited is limited
    assert (said.result_lufs, said.result_peak_dbtp) == pytest.approx((lufs, peak), abs=0.15)
    assert said.measured_lufs == pytest.approx(measured(source)[0], abs=0.15)
    assert sound_length_s(made.path) == pytest.approx(LENGTH_S, abs=1024 / AUDIO_RATE)


def test_levelled_sound_stays_with_its_picture(tmp_path: Path) -> None:
    # Peaks over a quiet bed: they have to be held back, by a filter that looks ahead.
    beeps = Sound.beeps([1, 2], LENGTH_S).samples + noise(0.002)
    source = clip(tmp_path / "in.mp4", beeps)

    made = export(
        "framing",
        source,
        tmp_path / "scratch",
        loudness={"target_lufs": -7},
        start_time=0.6,
        end_time=2.6,
        **SMALL,
    )

    flashes = [float(shot.time) for shot in shots(made.path) if shot.y.mean() > 130]
    assert made.result.loudness is not None
    assert made.result.loudness.limited
    assert len(flashes) == 2
    assert onsets_s(heard(made.path)) == pytest.approx(flashes, abs=0.005)


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as file:
        return [bytes(packet) for packet in file.demux(audio=0) if packet.size]


def left_alone(tmp_path: Path, samples: NDArray[np.float64]) -> tuple[Exported, bool]:
    source = clip(tmp_path / "in.mp4", samples)
    made = export("framing", source, tmp_path / "scratch", loudness={}, **SMALL)
    copied = packets(made.path)
    return made, copied == packets(source)[: len(copied)]


@pytest.mark.parametrize("samples", [0 * TIMES, noise(0.0005)], ids=["silence", "a room"])
def test_silence_and_a_rooms_noise_are_left_as_they_are_with_a_remark(
    tmp_path: Path, samples: NDArray[np.float64]
) -> None:
    made, copied = left_alone(tmp_path, samples)

    assert copied
    assert made.warnings == ["crop_defaulted", "loudness_left_alone"]
    assert made.result.loudness is not None
    assert made.result.loudness.gain_db is None


def test_sound_that_is_as_asked_already_is_copied(tmp_path: Path) -> None:
    first = clip(tmp_path / "first.mp4", SOUNDS["tone"])
    gain = 10 ** ((-14 - measured(first)[0]) / 20)

    made, copied = left_alone(tmp_path, SOUNDS["tone"] * gain)

    assert copied
    assert made.warnings == ["crop_defaulted"]


def test_what_cannot_be_that_loud_is_said(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", drummed(noise(0.005), 0.9))

    made = export(
        "framing", source, tmp_path / "scratch", loudness={"target_lufs": -5}, **SMALL
    )

    assert made.warnings == ["crop_defaulted", "loudness_not_reached"]
    assert measured(made.path)[1] <= -1.0


def test_without_sound_there_is_no_loudness(tmp_path: Path) -> None:
    source = Clip(rate=RATE).write(tmp_path / "in.mp4", flashing(5, 5))

    made = export("overlay", source, tmp_path / "scratch", loudness={}, **SMALL)

    assert not made.result.has_audio
    assert made.result.loudness is None
