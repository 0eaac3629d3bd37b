"""How an export ends: a file players take at once, or a failure with its code."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from shared.errors import JobFailed
from tests.support.exports import export
from tests.support.footage import AUDIO_RATE

pytestmark = pytest.mark.media

SQUARE = {"output_width": 180, "output_height": 180}
KINDS = pytest.mark.parametrize("kind", ["framing", "overlay"])


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
        crop_keyframes=[{"frame": 0, "x": 40, "y": 0, "width": 180, "height": 180}],
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
