"""Files that are no videos, or are damaged: refused with what to do, or mended and said."""

import struct
import subprocess
import threading
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from gpu_worker.kind_work import Stopped, Work
from gpu_worker.kinds.export import framing
from gpu_worker.media.decoding.probe import probe
from shared.errors import JobFailed
from shared.kinds.export.framing import KIND
from tests.media.corpus.steps import overwrite_packets
from tests.support.exports import export, shots
from tests.support.footage import (
    AUDIO_RATE,
    BT601,
    BT709,
    FULL,
    LIMITED,
    Clip,
    Colour,
    Picture,
    Sound,
    flat,
    grey,
)

pytestmark = pytest.mark.media

SMALL = {"output_width": 96, "output_height": 64}


def moving(frames: int) -> Iterator[Picture]:
    """A dark bar that goes right by a pixel a frame: no two frames are alike."""
    for n in range(frames):
        luma = flat(96, 64)
        luma[:, n % 88 : n % 88 + 8] = 40
        yield grey(luma)


def clip(path: Path, frames: int = 60, **how: Any) -> Path:
    return Clip(**how).write(path, moving(frames))


def said_of(path: Path) -> str:
    """The sentence a person reads when the probe refuses a file."""
    with pytest.raises(JobFailed) as failure:
        probe(path)
    assert failure.value.what == "input_unreadable"
    return failure.value.public


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "in.mp4"
    path.touch()

    assert "empty" in said_of(path)


@pytest.mark.parametrize(
    "content",
    [
        b"\0" * 5000,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        b"%PDF-1.7 not a film",
        b"\0\0\0\x18ftypheic\0\0\0\0heicmif1",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"ID3\x04\0\0\0\0\0\0",
        b"MZ",
    ],
    ids=["zeros", "png", "pdf", "heic", "wav", "mp3", "two bytes"],
)
def test_what_is_no_video_is_refused_with_what_to_send_instead(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "in.mp4"
    path.write_bytes(content)

    assert "MP4, MOV, WebM" in said_of(path)


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.95])
def test_an_mp4_whose_end_and_index_are_missing_says_so(tmp_path: Path, kept: float) -> None:
    whole = clip(tmp_path / "whole.mp4").read_bytes()
    path = tmp_path / "in.mp4"
    path.write_bytes(whole[: int(len(whole) * kept)])

    assert "upload the whole file again" in said_of(path)


def test_an_mp4_with_its_index_first_gives_what_there_is_of_it(tmp_path: Path) -> None:
    whole = clip(tmp_path / "whole.mp4", 90)
    first = tmp_path / "first.mp4"
    _ffmpeg("-i", whole, "-c", "copy", "-movflags", "+faststart", first)
    path = tmp_path / "in.mp4"
    path.write_bytes(first.read_bytes()[: int(first.stat().st_size * 0.6)])

    made = export("framing", path, tmp_path / "scratch", **SMALL)

    assert "input_truncated" in made.warnings
    assert 1 <= made.result.frames < 90
    assert len(list(shots(made.path))) == made.result.frames


def test_sound_alone_is_said_to_lack_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "in.mp4"
    _ffmpeg("-f", "lavfi", "-i", "sine=440:duration=1", path)

    assert "sound but no video" in said_of(path)


def test_d08_cover_art_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "in.mp4"
    source = ("-f", "lavfi", "-i", "sine=440:duration=1", "-f", "lavfi", "-i", "color=s=64x64")
    art = (
        "-map",
        "0",
        "-map",
        "1",
        "-frames:v",
        "1",
        "-c:v",
        "png",
        "-disposition:v",
        "attached_pic",
    )
    _ffmpeg(*source, *art, path)

    assert "sound but no video" in said_of(path)


def test_an_mp4_without_frames_is_refused(tmp_path: Path) -> None:
    whole = clip(tmp_path / "whole.mp4")
    path = tmp_path / "in.mp4"
    # A fragmented file that stops after its header: a video stream, and not one sample.
    _ffmpeg("-i", whole, "-c", "copy", "-movflags", "empty_moov+frag_keyframe", path)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"moof") - 4])

    assert "no frames" in said_of(path)


def test_d11_a_picture_too_large_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "in.avi"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("rawvideo", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr24"
        file.mux(stream.encode(av.VideoFrame(64, 48, "bgr24")))
    content = bytearray(path.read_bytes())
    at = content.index(b"strf") + 12  # BITMAPINFOHEADER: width and height after its size
    content[at : at + 8] = struct.pack("<ii", 60_000, 60_000)
    path.write_bytes(content)

    assert "8192 × 4320 or smaller" in said_of(path)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A loopback server's address, and the paths it was asked for."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}/a.ts\n#EXTINF:1,\nfile://{local}\n",
    "concat": "ffconcat version 1.0\nfile {local}\nfile {url}/a.mp4\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">'
    "<BaseURL>{url}/</BaseURL></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
}


@pytest.mark.parametrize("playlist", PLAYLISTS.values(), ids=PLAYLISTS.keys())
def test_d06_a_playlist_named_mp4_is_refused_and_asks_for_nothing(
    tmp_path: Path, listener: tuple[str, list[str]], playlist: str
) -> None:
    url, asked = listener
    path = tmp_path / "in.mp4"
    path.write_text(playlist.format(url=url, local=clip(tmp_path / "secret.mp4")))

    assert "not a video" in said_of(path)

    assert asked == []


def test_d06_a_playlist_behind_a_video_s_first_bytes_is_refused_too(
    tmp_path: Path, listener: tuple[str, list[str]]
) -> None:
    url, asked = listener
    path = tmp_path / "in.mp4"
    box = struct.pack(">I", 16) + b"ftypisom\0\0\0\0"
    path.write_bytes(box + PLAYLISTS["hls"].format(url=url, local="/etc/hosts").encode())

    said_of(path)

    assert asked == []


def test_a_few_damaged_packets_are_skipped_and_said(tmp_path: Path) -> None:
    path = clip(tmp_path / "in.mp4", 120)
    overwrite_packets(path, [40, 41, 80])

    made = export("framing", path, tmp_path / "scratch", **SMALL)

    assert "input_damaged" in made.warnings
    assert made.result.frames == 120
    assert len(list(shots(made.path))) == 120


def test_a_video_damaged_through_and_through_fails_and_says_so(tmp_path: Path) -> None:
    path = clip(tmp_path / "in.mp4", 120)
    overwrite_packets(path, list(range(2, 120)))

    with pytest.raises(JobFailed) as failure:
        export("framing", path, tmp_path / "scratch", **SMALL)

    assert failure.value.what == "input_unreadable"
    assert "damaged" in failure.value.public


def test_a_stopped_export_leaves_no_thread_and_no_open_file(tmp_path: Path) -> None:
    path = clip(tmp_path / "in.mp4", 200, sound=Sound(np.zeros(7 * AUDIO_RATE, np.float32)))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    before = threading.active_count()

    def stop_midway(stage: str, fraction: float) -> None:
        if stage == "render" and fraction > 0.2:
            raise Stopped

    order = {"source": {"asset_id": "a1"}, "crop_keyframes": None, **SMALL}
    work = Work(
        KIND.parse_input(order),
        {"source": path},
        scratch,
        stop_midway,
        lambda notice: None,
        lambda name, facts: None,
    )
    with pytest.raises(Stopped):
        framing.run(work)

    assert threading.active_count() == before
    held = [link.resolve() for link in Path("/proc/self/fd").iterdir() if link.exists()]
    assert not any(each.is_relative_to(tmp_path) for each in held)


@pytest.mark.parametrize(
    ("trim", "expected"),
    [
        ({"start_time": 1.0, "end_time": 2.0}, 30),
        ({"start_time": 0.0, "end_time": 0.001}, 1),
        ({"start_time": 2.99}, 30),
        ({"start_time": 1.5, "end_time": 1000.0}, 75),
    ],
    ids=str,
)
@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(30)], ids=str)
def test_an_export_has_exactly_the_planned_frames(
    tmp_path: Path, trim: dict[str, float], expected: int, rate: Fraction
) -> None:
    path = clip(tmp_path / "in.mp4", 120, rate=rate)

    made = export("framing", path, tmp_path / "scratch", **SMALL, **trim)

    written = [shot.time for shot in shots(made.path)]
    assert made.result.frames == len(written) == expected
    assert written == [n / rate for n in range(len(written))]


LAYOUTS = {
    "rgb": ("rawvideo", "bgr24", "avi"),
    "4:4:4": ("libx264", "yuv444p", "mp4"),
    "4:2:2 10 bits": ("libx264", "yuv422p10le", "mp4"),
    "4:2:0 10 bits": ("libx264", "yuv420p10le", "mkv"),
    "nv12": ("rawvideo", "nv12", "mkv"),
    "packed": ("rawvideo", "yuyv422", "avi"),
    "jpeg": ("mjpeg", "yuvj420p", "avi"),
}


@pytest.mark.parametrize("height", [64, 720])
@pytest.mark.parametrize(("codec", "layout", "ending"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_d132_every_pixel_format_keeps_its_colours(
    tmp_path: Path, codec: str, layout: str, ending: str, height: int
) -> None:
    # Arrange: untagged, so BT.709 from 720 lines up and BT.601 below.
    patches = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 180, 160)]
    rgb = np.repeat(np.array(patches, np.uint8)[None], 32, 1).repeat(height, 0)
    jpeg = codec == "mjpeg"  # tagged by its decoder: always BT.601, full range
    matrix = BT709 if height >= 720 and not jpeg else BT601
    colour = Colour(matrix, FULL if jpeg else LIMITED)
    path = tmp_path / f"in.{ending}"
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = 128, height, layout
        stream.options = {"qp": "1"} if codec == "libx264" else {}
        frame = _frame_of(rgb, colour, layout)
        for frame.pts in range(3):
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))

    # Act
    made = export("framing", path, tmp_path / "scratch", output_width=128, output_height=height)

    # Assert
    shot = next(shots(made.path))
    assert (shot.matrix, shot.colour_range) == (5 if jpeg else matrix, colour.colour_range)
    middle = height // 2
    for column, wanted in zip(range(16, 128, 32), patches, strict=True):
        codes = shot.y[middle, column], shot.cb[middle // 2, column // 2]
        found = colour.rgb_of(*map(np.asarray, (*codes, shot.cr[middle // 2, column // 2])))
        assert found == pytest.approx(wanted, abs=4)


def _frame_of(rgb: NDArray[np.uint8], colour: Colour, layout: str) -> av.VideoFrame:
    """A frame in any layout; what is not RGB comes from planes of our own conversion."""
    if layout == "bgr24":
        return av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format=layout)
    planes = np.clip(np.rint(np.stack(colour.planes_of(rgb))), 0, 255).astype(np.uint8)
    whole = "yuvj444p" if colour.colour_range == FULL else "yuv444p"
    frame = av.VideoFrame.from_ndarray(planes, whole).reformat(format=layout)
    frame.color_range = colour.colour_range
    return frame


def _ffmpeg(*arguments: str | Path) -> None:
    exe = imageio_ffmpeg.get_ffmpeg_exe()
    command = [exe, "-y", "-loglevel", "error", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)
