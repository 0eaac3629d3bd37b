"""Sound is copied where it can be, and otherwise cut to the sample."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from tests.support.exports import export, heard, onsets_s

pytestmark = pytest.mark.media

SMALL = {"output_width": 96, "output_height": 64}
RATE = 10
BEEPS = "0.8*sin(2*PI*1000*t)*(between(t,1.5,1.6)+between(t,3.25,3.35))"


def ffmpeg(*arguments: str | Path) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=60)


def clip(path: Path, *how: str, rate: int = 48_000, frames_a_second: int = RATE) -> Path:
    picture = f"testsrc2=size=96x64:rate={frames_a_second}:duration=4"
    sound = f"aevalsrc=exprs='{BEEPS}':s={rate}:d=4"
    sources = [each for source in (picture, sound) for each in ("-f", "lavfi", "-i", source)]
    ffmpeg(*sources, *how, path)
    return path


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as file:
        return [bytes(packet) for packet in file.demux(audio=0) if packet.size]


X264 = ("-c:v", "libx264", "-preset", "ultrafast")
# Threads of this encoder wait for each other at full speed.
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-threads", "1")
CODECS = {
    "aac": (".mp4", *X264, "-c:a", "aac"),
    "mp3": (".mp4", *X264, "-c:a", "libmp3lame"),
    "opus": (".webm", *VP8, "-c:a", "libopus"),
    "vorbis in ms": (".webm", *VP8, "-c:a", "libvorbis"),
    "pcm": (".mov", *X264, "-c:a", "pcm_s16le"),
    "pcm in avi": (".avi", *X264, "-c:a", "pcm_s16le"),
    "5.1": (".mkv", *X264, "-c:a", "ac3", "-ac", "6"),
    "from 100 s on": (".mkv", *X264, "-c:a", "aac", "-output_ts_offset", "100"),
}

Sources = Callable[[str], Path]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """A clip in one of `CODECS`, made once for all that listen to it."""
    folder = tmp_path_factory.mktemp("sources")

    def made(codec: str) -> Path:
        ending, *how = CODECS[codec]
        path = folder / f"{codec}{ending}"
        return path if path.exists() else clip(path, *how)

    return made


def test_aac_of_a_whole_video_is_copied_packet_by_packet(
    sources: Sources, tmp_path: Path
) -> None:
    source = sources("aac")

    made = export("framing", source, tmp_path / "scratch", **SMALL)

    copied = packets(made.path)
    assert copied == packets(source)[: len(copied)]
    assert len(copied) >= 4 * 48_000 // 1024


def test_a_cut_on_packets_edges_copies_them_with_the_one_before(tmp_path: Path) -> None:
    # 15 AAC packets at 48 kHz last 0.32 s, which is 8 frames at 25 a second.
    source = clip(tmp_path / "in.mp4", *X264, "-c:a", "aac", frames_a_second=25)

    made = export(
        "framing", source, tmp_path / "scratch", start_time=1.28, end_time=2.56, **SMALL
    )

    # The encoder's first packet lies before time 0: number 61 begins at 1.28 s.
    assert packets(made.path) == packets(source)[60:121]
    assert onsets_s(heard(made.path)) == pytest.approx([0.22], abs=0.005)


@pytest.mark.parametrize("trim", [{}, {"start_time": 0.517, "end_time": 3.3}], ids=str)
@pytest.mark.parametrize("codec", CODECS)
def test_d134_sound_of_every_codec_comes_out_as_aac_in_sync(
    sources: Sources, tmp_path: Path, codec: str, trim: dict[str, float]
) -> None:
    made = export("framing", sources(codec), tmp_path / "scratch", **SMALL, **trim)

    # The picture begins with frame 6, the first at or after 0.517 s.
    begins = 6 / RATE if trim else 0.0
    assert onsets_s(heard(made.path)) == pytest.approx([1.5 - begins, 3.25 - begins], abs=0.01)
    with av.open(str(made.path)) as file:
        assert file.streams.audio[0].codec_context.name == "aac"


def test_a_rate_aac_does_not_know_is_brought_to_one_it_does(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", *X264, "-c:a", "pcm_s16le", rate=192_000)

    made = export("framing", source, tmp_path / "scratch", **SMALL)

    assert onsets_s(heard(made.path)) == pytest.approx([1.5, 3.25], abs=0.005)


@pytest.mark.parametrize("offset_s", [0.7, -0.7])
@pytest.mark.parametrize("start_s", [None, 1.0])
def test_sound_that_begins_apart_from_the_picture_stays_apart(
    sources: Sources, tmp_path: Path, offset_s: float, start_s: float | None
) -> None:
    apart = tmp_path / "apart.mkv"
    source = ("-i", sources("aac"))
    late = ("-itsoffset", "0.7", *source)
    files = (*late, *source) if offset_s < 0 else (*source, *late)
    ffmpeg(*files, "-map", "0:v", "-map", "1:a", "-c", "copy", apart)

    made = export("framing", apart, tmp_path / "scratch", start_time=start_s, **SMALL)

    begins = start_s or 0.0
    wanted = [beep + offset_s - begins for beep in (1.5, 3.25)]
    inside = [beep for beep in wanted if 0 <= beep < made.result.duration_s]
    assert onsets_s(heard(made.path)) == pytest.approx(inside, abs=0.01)
