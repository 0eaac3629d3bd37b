"""Sound is copied where it can be, and otherwise cut to the sample."""

import subprocess
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from tests.support.exports import export, heard, onsets_s

pytestmark = pytest.mark.media

SMALL = {"output_width": 96, "output_height": 64}
BEEPS = "0.8*sin(2*PI*1000*t)*(between(t,1.5,1.6)+between(t,3.25,3.35))"


def clip(folder: Path, name: str, *how: str, rate: int = 48_000) -> Path:
    path = folder / name
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error"]
    picture = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=30:duration=4")
    sound = ("-f", "lavfi", "-i", f"aevalsrc=exprs='{BEEPS}':s={rate}:d=4")
    subprocess.run([*command, *picture, *sound, *how, str(path)], check=True, timeout=60)
    return path


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as file:
        return [bytes(packet) for packet in file.demux(audio=0) if packet.size]


X264 = ("-c:v", "libx264", "-preset", "ultrafast")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")


def test_aac_of_a_whole_video_is_copied_packet_by_packet(tmp_path: Path) -> None:
    source = clip(tmp_path, "in.mp4", *X264, "-c:a", "aac")

    made = export("framing", source, tmp_path / "scratch", **SMALL)

    copied = packets(made.path)
    assert copied == packets(source)[: len(copied)]
    assert len(copied) >= 4 * 48_000 // 1024


def test_a_cut_on_packets_edges_copies_them_with_the_one_before(tmp_path: Path) -> None:
    # 15 AAC packets at 48 kHz last 0.32 s, which is 8 frames at 25 a second.
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error"]
    picture = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25:duration=4")
    sound = ("-f", "lavfi", "-i", f"aevalsrc=exprs='{BEEPS}':s=48000:d=4")
    source = tmp_path / "in.mp4"
    subprocess.run(
        [*command, *picture, *sound, *X264, "-c:a", "aac", str(source)], check=True, timeout=60
    )

    made = export(
        "framing", source, tmp_path / "scratch", start_time=1.28, end_time=2.56, **SMALL
    )

    # The encoder's first packet lies before time 0: number 61 begins at 1.28 s.
    assert packets(made.path) == packets(source)[60:121]
    assert onsets_s(heard(made.path)) == pytest.approx([0.22], abs=0.005)


CODECS = {
    "aac": ("in.mp4", *X264, "-c:a", "aac"),
    "mp3": ("in.mp4", *X264, "-c:a", "libmp3lame"),
    "opus": ("in.webm", *VP8, "-c:a", "libopus"),
    "vorbis in ms": ("in.webm", *VP8, "-c:a", "libvorbis"),
    "pcm": ("in.mov", *X264, "-c:a", "pcm_s16le"),
    "pcm in avi": ("in.avi", *X264, "-c:a", "pcm_s16le"),
    "5.1": ("in.mkv", *X264, "-c:a", "ac3", "-ac", "6"),
    "from 100 s on": ("in.mkv", *X264, "-c:a", "aac", "-output_ts_offset", "100"),
}


@pytest.mark.parametrize("trim", [{}, {"start_time": 0.517, "end_time": 3.3}], ids=str)
@pytest.mark.parametrize("encoding", CODECS.values(), ids=CODECS.keys())
def test_d134_sound_of_every_codec_comes_out_as_aac_in_sync(
    tmp_path: Path, encoding: tuple[str, ...], trim: dict[str, float]
) -> None:
    source = clip(tmp_path, *encoding)

    made = export("framing", source, tmp_path / "scratch", **SMALL, **trim)

    # The picture begins with frame 16, the first at or after 0.517 s.
    begins = 16 / 30 if trim else 0.0
    assert onsets_s(heard(made.path)) == pytest.approx([1.5 - begins, 3.25 - begins], abs=0.01)
    with av.open(str(made.path)) as file:
        assert file.streams.audio[0].codec_context.name == "aac"


def test_a_rate_aac_does_not_know_is_brought_to_one_it_does(tmp_path: Path) -> None:
    source = clip(tmp_path, "in.mkv", *X264, "-c:a", "pcm_s16le", rate=192_000)

    made = export("framing", source, tmp_path / "scratch", **SMALL)

    assert onsets_s(heard(made.path)) == pytest.approx([1.5, 3.25], abs=0.005)


@pytest.mark.parametrize("offset_s", [0.7, -0.7])
@pytest.mark.parametrize("start_s", [None, 1.0])
def test_sound_that_begins_apart_from_the_picture_stays_apart(
    tmp_path: Path, offset_s: float, start_s: float | None
) -> None:
    source = clip(tmp_path, "in.mp4", *X264, "-c:a", "aac")
    apart = tmp_path / "apart.mkv"
    late = ("-itsoffset", "0.7", "-i", str(source))
    files = (*late, "-i", str(source)) if offset_s < 0 else ("-i", str(source), *late)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error"]
    mapped = ("-map", "0:v", "-map", "1:a", "-c", "copy")
    subprocess.run([*command, *files, *mapped, str(apart)], check=True, timeout=60)

    made = export("framing", apart, tmp_path / "scratch", start_time=start_s, **SMALL)

    begins = start_s or 0.0
    wanted = [beep + offset_s - begins for beep in (1.5, 3.25)]
    inside = [beep for beep in wanted if 0 <= beep < made.result.duration_s]
    assert onsets_s(heard(made.path)) == pytest.approx(inside, abs=0.01)
