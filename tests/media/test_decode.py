"""A part of a video decodes to the frames of the whole, wherever decoding can begin."""

import subprocess
import zlib
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from av.video.frame import VideoFrame

from gpu_worker.media.decoding.frame_reader import FrameReader
from gpu_worker.media.decoding.probe import probe

pytestmark = pytest.mark.media

FRAMES = 90
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "15")
ENCODINGS = {
    "closed groups": ("a.mp4", *X264),
    "open groups": ("a.mp4", *X264, "-bf", "3", "-x264-params", "open-gop=1"),
    "intra refresh": ("a.mp4", *X264, "-intra-refresh", "1"),
    "fragments": ("a.mp4", *X264, "-movflags", "frag_keyframe+empty_moov"),
    "from 5 s on": ("a.mkv", *X264, "-output_ts_offset", "5"),
    "avi without pts": ("a.avi", *X264, "-bf", "3"),
    "mpeg-4 in avi": ("a.avi", "-c:v", "mpeg4", "-bf", "2", "-g", "15"),
    "vp9": (
        "a.webm",
        "-c:v",
        "libvpx-vp9",
        "-g",
        "15",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
    ),
}


def encoded(folder: Path, name: str, *how: str) -> Path:
    path = folder / name
    clip = f"testsrc2=size=160x120:rate=30:duration={FRAMES / 30}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi", "-i", clip]
    subprocess.run([*command, *how, str(path)], check=True, timeout=60)
    return path


def mark(frame: VideoFrame) -> int:
    """A number that two frames share if every luma sample is the same."""
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return zlib.crc32(np.ascontiguousarray(rows[: plane.height, : plane.width]))


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_a_part_decodes_to_the_frames_of_the_whole(
    tmp_path: Path, encoding: tuple[str, ...]
) -> None:
    source = probe(encoded(tmp_path, *encoding))
    whole = {n: mark(frame) for n, frame in FrameReader(source, 2).frames(range(FRAMES))}
    parts = [range(n, min(n + 2, FRAMES)) for n in range(0, FRAMES, 4)]

    decoded = [
        (n, mark(frame)) for part in parts for n, frame in FrameReader(source, 2).frames(part)
    ]

    assert source.video.frames == FRAMES
    assert len(set(whole.values())) == FRAMES
    assert decoded == [(n, whole[n]) for part in parts for n in part]


@pytest.mark.parametrize("name", ["a.mp4", "a.avi"])
def test_frames_of_b_pyramids_come_in_the_order_they_are_shown(
    tmp_path: Path, name: str
) -> None:
    # Each frame is one step brighter: what is shown when can be read off.
    steps = "color=size=64x64:rate=30:duration=2,geq=lum='16+3*N':cb=128:cr=128"
    path = tmp_path / name
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-loglevel",
        "error",
        "-f",
        "lavfi",
        "-i",
        steps,
    ]
    how = ("-c:v", "libx264", "-bf", "3", "-b_strategy", "0", "-qp", "4")
    subprocess.run([*command, *how, str(path)], check=True, timeout=60)
    source = probe(path)

    shown = [
        float(np.frombuffer(memoryview(frame.planes[0]), np.uint8)[:64].mean())
        for _, frame in FrameReader(source, 2).frames(range(source.video.frames))
    ]

    assert shown == pytest.approx([16 + 3 * n for n in range(60)], abs=1)
