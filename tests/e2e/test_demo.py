"""`cutroom demo` on a short clip, its files looked at by other means than its own."""

import signal
import subprocess
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from tests.support.programs import PATIENCE_S, first_seconds, running, still_alive, until

pytestmark = [pytest.mark.processes, pytest.mark.media]


@pytest.fixture
def folder(tmp_path: Path, kernel_cache: Path) -> Path:
    (tmp_path / "build").mkdir()
    (tmp_path / "build/kernels").symlink_to(kernel_cache)
    first_seconds(tmp_path / "clip.mp4", seconds=2.0)
    return tmp_path


def demo(folder: Path, start: float, end: float):
    return running(
        folder / "demo.out",
        folder,
        *("demo", "--sample", "clip.mp4", "--start", str(start), "--end", str(end)),
    )


def decoded(path: Path) -> tuple[int, str]:
    """Return how many frames the ffmpeg program gets out of a file, and what it is."""
    run = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", path, "-map", "0:v", "-f", "framemd5", "-"],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    frames = [line for line in run.stdout.splitlines() if not line.startswith("#")]
    return len(frames), run.stderr


def ends(path: Path) -> tuple[float, float]:
    """Return when a file's picture and its sound end, in s."""
    with av.open(path) as found:
        video, audio = found.streams.video[0], found.streams.audio[0]
        return (
            float((video.start_time + video.duration) * video.time_base),
            float((audio.start_time + audio.duration) * audio.time_base),
        )


def test_the_demo_makes_both_files_frame_by_frame(folder: Path):
    with demo(folder, 0.5, 1.5) as program:
        status = program.ended(PATIENCE_S)
    assert status == 0, program.said
    clip_frames, _ = decoded(folder / "clip.mp4")
    framing = folder / "build/demo/framing.mp4"
    overlay = folder / "build/demo/overlay.mp4"
    framing_frames, framing_said = decoded(framing)
    overlay_frames, overlay_said = decoded(overlay)
    assert (clip_frames, overlay_frames) == (25, 25)
    assert framing_frames == 12  # 0.56 s … 1.44 s at 12.5 frames a second
    for said in (framing_said, overlay_said):
        assert "1080x1920" in said
        assert "Video: h264" in said
        assert "Audio: aac" in said
    for path in (framing, overlay):
        picture_s, sound_s = ends(path)
        assert abs(picture_s - sound_s) <= 0.08
    # Nobody's terminal: plain lines, and the price on the last of them.
    assert "\x1b" not in program.said
    assert "upload     100%" in program.said
    assert "$0.00" in program.said


def test_an_interrupted_demo_leaves_no_process(folder: Path):
    with demo(folder, 0.0, 2.0) as program:
        until(program, lambda: "overlay" in program.said)
        family = program.family()
        program.tell(signal.SIGINT)
        status = program.ended()
    assert status == 130
    assert len(family) > 2
    assert still_alive(family) == []
