"""When things happen in an export: exact frames, variable rates, sound in sync."""

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate
from math import floor
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from shared.errors import JobFailed
from shared.render.cropping import Rect
from tests.support.exports import (
    Exported,
    brightness_at,
    centroid,
    export,
    heard,
    number_in,
    onsets_s,
    shots,
)
from tests.support.footage import (
    AUDIO_RATE,
    Clip,
    Picture,
    Sound,
    flat,
    grey,
    with_dots,
    with_number,
)

pytestmark = pytest.mark.media

NTSC = Fraction(30000, 1001)
CODE_AT = (120, 40)
DOT = (160.0, 120.0)
WHOLE = Rect(0, 0, 320, 180)
AS_IT_IS = {"output_width": 320, "output_height": 180}
SQUARE = {"output_width": 180, "output_height": 180}
KINDS = pytest.mark.parametrize("kind", ["framing", "overlay"])


def numbered(count: int) -> Iterator[Picture]:
    """Grey pictures with a dot, each with its number painted on it."""
    background = with_dots(flat(320, 180, 60), [DOT], 4)
    return (grey(with_number(background, n, CODE_AT)) for n in range(count))


def numbers_shown(made: Exported, rects: list[Rect]) -> list[int]:
    return [
        number_in(shot.y, CODE_AT, rect)
        for shot, rect in zip(shots(made.path), rects, strict=True)
    ]


def square(frame: int, x: float) -> dict[str, float]:
    return {"frame": frame, "x": x, "y": 0, "width": 180, "height": 180}


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety numbered frames at 30000/1001 a second."""
    path = tmp_path_factory.mktemp("counting") / "counting.mp4"
    return Clip(rate=NTSC).write(path, numbered(90))


def test_d129_a_region_touches_its_frames_and_no_other(counting: Path, tmp_path: Path) -> None:
    # The ellipse lies over the number, so that darkening around it leaves it readable.
    ellipse = {"x": 160, "y": 56, "radius_x": 80, "radius_y": 45}

    made = export(
        "overlay",
        counting,
        tmp_path / "scratch",
        effect_type="dark_overlay",
        highlight_regions=[
            {"start_frame": 20, "end_frame": 31, **ellipse},
            {"start_frame": 40, "end_frame": 41, **ellipse},
        ],
        **AS_IT_IS,
    )
    dark = [n for n, shot in enumerate(shots(made.path)) if brightness_at(shot.y, 20, 160) < 50]

    assert numbers_shown(made, [WHOLE] * 90) == list(range(90))
    assert dark == [*range(20, 31), 40]


@pytest.mark.parametrize(
    ("trim", "frames"),
    [
        ({}, range(90)),
        ({"start_time": 1.0, "end_time": 2.0}, range(30, 60)),
        ({"start_time": 0.5}, range(15, 90)),
        ({"end_time": 1.2}, range(36)),
    ],
    ids=["whole", "middle", "end", "beginning"],
)
def test_d129_a_crop_changes_on_its_frame_with_and_without_a_trim(
    counting: Path, tmp_path: Path, trim: dict[str, float], frames: range
) -> None:
    # The crop jumps between frames 34 and 35 of the input, wherever the output begins.
    made = export(
        "framing",
        counting,
        tmp_path / "scratch",
        crop_keyframes=[square(34, 40), square(35, 80)],
        **SQUARE,
        **trim,
    )
    rects = [Rect(40 if n < 35 else 80, 0, 180, 180) for n in frames]
    dots = [DOT[0] - rect.x for rect in rects]

    assert numbers_shown(made, rects) == list(frames)
    assert all(
        brightness_at(shot.y, u, DOT[1]) > 150
        for shot, u in zip(shots(made.path), dots, strict=True)
    )
    assert made.result.frames == len(frames)


def test_the_output_is_stamped_at_the_nominal_rate(counting: Path, tmp_path: Path) -> None:
    made = export("framing", counting, tmp_path / "scratch", start_time=1.0, **SQUARE)

    times = [shot.time for shot in shots(made.path)]

    assert times == [n / NTSC for n in range(60)]
    assert made.result.rate == "30000/1001"
    assert made.result.duration_s == pytest.approx(60 * 1001 / 30000)


def irregular_stamps(count: int) -> list[int]:
    """Frames that last between 20 and 47 ms, 33.4 on average, in 1/90000 s."""
    chance = random.Random(130)
    return [0, *accumulate(chance.randint(1800, 4212) for _ in range(count - 1))]


def test_d130_a_variable_rate_drifts_neither_from_the_crop_nor_from_the_sound(
    tmp_path: Path,
) -> None:
    count = 600
    stamps = irregular_stamps(count)
    beeps = [stamps[n] / 90_000 for n in range(60, count, 60)]
    sound = Sound.beeps(beeps, stamps[-1] / 90_000)
    clip = Clip(stamps=stamps, sound=sound)
    source = clip.write(tmp_path / "in.mp4", numbered(count))

    made = export(
        "framing",
        source,
        tmp_path / "scratch",
        crop_keyframes=[square(0, 20), square(599, 120)],
        **SQUARE,
    )
    rate = Fraction(made.result.rate)
    slots = [floor(Fraction(stamp, 90_000) * rate + Fraction(1, 2)) for stamp in stamps]
    rects = [Rect(20 + min(n, 599) * 100 / 599, 0, 180, 180) for n in range(made.result.frames)]
    seen = [
        centroid(shot.y, (DOT[0] - rect.x, DOT[1]), 14)[0]
        for shot, rect in zip(shots(made.path), rects, strict=True)
    ]
    off_frames = [
        (DOT[0] - u - rect.x) * 599 / 100 for u, rect in zip(seen, rects, strict=True)
    ]

    assert rate in (Fraction(30), NTSC)
    assert numbers_shown(made, rects) == [
        max(k for k, slot in enumerate(slots) if slot <= n) for n in range(made.result.frames)
    ]
    assert np.abs(off_frames).max() <= 1
    assert onsets_s(heard(made.path)) == pytest.approx(beeps, abs=0.02)


def flashing(count: int, every: int) -> Iterator[Picture]:
    """Dark pictures, every so many a white one, but not the first."""
    dark, white = grey(flat(320, 180, 30)), grey(flat(320, 180, 230))
    return (white if n and n % every == 0 else dark for n in range(count))


def flashes_s(made: Exported) -> list[float]:
    return [float(shot.time) for shot in shots(made.path) if shot.y.mean() > 130]


@pytest.fixture(scope="module")
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


def test_d134_an_overlay_keeps_its_sound(
    beep_and_flash: dict[str, Path], tmp_path: Path
) -> None:
    made = export("overlay", beep_and_flash["with"], tmp_path / "scratch", **SQUARE)

    assert onsets_s(heard(made.path)) == pytest.approx(flashes_s(made), abs=0.02)


@KINDS
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


@KINDS
def test_the_file_is_h264_and_aac_with_its_index_first(
    beep_and_flash: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    made = export(kind, beep_and_flash["with"], tmp_path / "scratch", **SQUARE)

    content = made.path.read_bytes()
    with av.open(str(made.path)) as file:
        video, sound = file.streams.video[0], file.streams.audio[0]
        assert (video.codec.canonical_name, sound.codec.canonical_name) == ("h264", "aac")
        assert video.codec_context.pix_fmt == "yuv420p"
        assert (video.width, video.height) == (180, 180)
    assert content.index(b"moov") < content.index(b"mdat")
    assert made.result.size_bytes == len(content)


@KINDS
def test_progress_goes_from_prepare_to_render_and_never_back(
    beep_and_flash: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    made = export(kind, beep_and_flash["with"], tmp_path / "scratch", **SQUARE)

    stages = [stage for stage, _ in made.progress]
    rendered = [fraction for stage, fraction in made.progress if stage == "render"]

    assert stages == sorted(stages)  # "prepare", then "render"
    assert rendered == sorted(rendered)
    assert rendered[-1] == 1.0


def failure_of(kind: str, source: Path, scratch: Path, **fields: Any) -> str:
    with pytest.raises(JobFailed) as caught:
        export(kind, source, scratch, **fields)
    return caught.value.what


@pytest.mark.parametrize("start_time", [4.0, 4.2, 3.99])
def test_d125_a_start_at_or_after_the_end_is_an_invalid_range(
    beep_and_flash: dict[str, Path], tmp_path: Path, start_time: float
) -> None:
    code = failure_of(
        "framing", beep_and_flash["longer"], tmp_path / "scratch", start_time=start_time
    )

    assert code == "invalid_range"


def test_d125_an_end_after_the_end_is_cut_with_a_warning(
    beep_and_flash: dict[str, Path], tmp_path: Path
) -> None:
    made = export(
        "framing",
        beep_and_flash["with"],
        tmp_path / "scratch",
        crop_keyframes=[square(0, 40)],
        start_time=3.0,
        end_time=9.0,
        **SQUARE,
    )

    assert made.result.frames == 25
    assert made.warnings == ["end_time_clamped"]


@KINDS
def test_d125_sound_without_a_picture_is_unreadable_input(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "sound.mp4"
    with av.open(str(source), "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=AUDIO_RATE)
        silence = np.zeros((1, 1024), np.float32)
        for number in range(40):
            frame = av.AudioFrame.from_ndarray(silence, "fltp", "mono")
            frame.sample_rate, frame.pts = AUDIO_RATE, 1024 * number
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))

    assert failure_of(kind, source, tmp_path / "scratch") == "input_unreadable"


@KINDS
def test_d125_a_video_without_frames_is_unreadable_input(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "empty.mp4"
    with av.open(str(source), "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.codec_context.width = stream.codec_context.height = 64
        file.start_encoding()

    assert failure_of(kind, source, tmp_path / "scratch") == "input_unreadable"
