"""Each codec in each quality: a file players take at once, every frame in its place."""

import os
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import pytest

from gpu_worker.media.encoding.encoders import cpu_encoder
from gpu_worker.media.encoding.video_file import VideoFile
from gpu_worker.media.picture.colour import LIMITED, Colours
from shared.errors import JobFailed
from shared.render.cropping import Rect, Size
from shared.render.delivery import Codec, Delivery, Quality
from tests.support.exports import Exported, export, number_in, shots
from tests.support.footage import Clip, flat, grey, with_number

pytestmark = pytest.mark.media

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT, CODE_AT = 96, 64, (8, 16)
SMALL = {"output_width": WIDTH, "output_height": HEIGHT}
NTSC = Fraction(30000, 1001)
CODECS = pytest.mark.parametrize("codec", [each.value for each in Codec])
TAGS = {"h264": "avc1", "hevc": "hvc1", "av1": "av01"}
PROFILES = {"hevc": "Main", "av1": "Main"}
RAW = {"h264": "h264", "hevc": "hevc", "av1": "ivf"}


def numbered(path: Path, count: int, rate: Fraction) -> Path:
    pictures = (grey(with_number(flat(WIDTH, HEIGHT), n, CODE_AT)) for n in range(count))
    return Clip(rate=rate).write(path, pictures)


@pytest.fixture(scope="module")
def ntsc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered(tmp_path_factory.mktemp("deliveries") / "ntsc.mp4", 40, NTSC)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered(tmp_path_factory.mktemp("deliveries") / "slow.mp4", 45, Fraction(5))


def complaints(made: Exported, *how: str) -> str:
    """What the ffmpeg command has to say of a file that it reads to its end."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "warning", "-xerror"]
    done = subprocess.run(
        [*command, "-i", str(made.path), *how], check=True, timeout=60, capture_output=True
    )
    return done.stderr.decode()


@CODECS
@pytest.mark.parametrize("quality", [each.value for each in Quality])
def test_a_delivery_opens_and_decodes_with_every_frame_at_its_time(
    ntsc: Path, tmp_path: Path, codec: str, quality: str
) -> None:
    made = export("framing", ntsc, tmp_path / "scratch", codec=codec, quality=quality, **SMALL)

    whole = Rect(0, 0, WIDTH, HEIGHT)
    frames = list(shots(made.path))
    assert [number_in(shot.y, CODE_AT, whole) for shot in frames] == list(range(40))
    assert [shot.time for shot in frames] == [n / NTSC for n in range(40)]
    assert complaints(made, "-f", "null", "-") == ""
    assert (made.result.codec, made.result.quality, made.result.frames) == (codec, quality, 40)


@CODECS
def test_the_container_says_what_is_in_it(ntsc: Path, tmp_path: Path, codec: str) -> None:
    made = export("framing", ntsc, tmp_path / "scratch", codec=codec, **SMALL)

    content = made.path.read_bytes()
    with av.open(str(made.path)) as file:
        video = file.streams.video[0]
        packets = [packet for packet in file.demux(video) if packet.size]
        context = video.codec_context
        assert (video.codec.canonical_name, context.codec_tag) == (codec, TAGS[codec])
        assert context.profile == PROFILES.get(codec, "High")
        assert context.pix_fmt == "yuv420p"
        assert (video.time_base, video.average_rate) == (Fraction(1, 30000), NTSC)
        assert (video.start_time, video.duration) == (0, 40 * 1001)
    assert {packet.duration for packet in packets} == {1001}
    assert min(packet.pts for packet in packets if packet.pts is not None) == 0
    assert content.index(b"moov") < content.index(b"mdat")
    assert content[content.index(b"colr") :][4:8] == b"nclx"


@CODECS
def test_the_bitstream_carries_the_colours_too(ntsc: Path, tmp_path: Path, codec: str) -> None:
    made = export("framing", ntsc, tmp_path / "scratch", codec=codec, **SMALL)
    raw = tmp_path / f"raw.{RAW[codec]}"

    assert complaints(made, "-c:v", "copy", "-f", RAW[codec], str(raw)) == ""

    with av.open(str(raw)) as file:
        frame = next(file.decode(video=0))
    assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (1, 1, 1)
    assert frame.color_range == LIMITED


@CODECS
def test_each_four_seconds_begin_with_a_group_of_their_own(
    slow: Path, tmp_path: Path, codec: str
) -> None:
    made = export("framing", slow, tmp_path / "scratch", codec=codec, quality="draft", **SMALL)

    with av.open(str(made.path)) as file:
        packets = [packet for packet in file.demux(video=0) if packet.size]
    stamps = [round(packet.pts * packet.time_base * 5) for packet in packets]
    begin = [index for index, packet in enumerate(packets) if packet.is_keyframe]
    assert [stamps[index] for index in begin] == [0, 20, 40]
    for start, stop in pairwise([*begin, len(packets)]):
        assert min(stamps[start:stop]) == stamps[start]


@CODECS
def test_no_encoder_leaves_a_thread_that_the_system_serves_before_all_others(
    tmp_path: Path, codec: str
) -> None:
    size, colours = Size(WIDTH, HEIGHT), Colours(1, 1, 1, LIMITED)
    encoder = cpu_encoder(Delivery(Codec(codec)), 2, 8)

    with VideoFile(tmp_path / "it.mp4", size, NTSC, colours, encoder, None) as file:
        file.add(even(encoder.pixel_format, 60))
        threads = [int(each.name) for each in Path("/proc/self/task").iterdir()]
        ways = {os.sched_getscheduler(thread) for thread in threads}

    assert len(threads) > 1
    assert ways == {os.SCHED_OTHER}


@pytest.mark.parametrize("size", [(64, 640), (640, 64)], ids=str)
def test_the_narrowest_av1_there_may_be_is_finished(
    ntsc: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    order = {"codec": "av1", "output_width": size[0], "output_height": size[1]}

    made = export("framing", ntsc, tmp_path / "scratch", **order)

    assert made.result.frames == 40


def test_av1_of_more_frames_a_second_than_it_has_is_refused(tmp_path: Path) -> None:
    fast = numbered(tmp_path / "fast.mp4", 12, Fraction(300))

    with pytest.raises(JobFailed) as caught:
        export("framing", fast, tmp_path / "scratch", codec="av1", **SMALL)

    assert caught.value.what == "invalid_request"
    assert "240" in caught.value.public


def written(path: Path, codec: Codec, luma: list[int], bits: int = 8) -> Path:
    """A file of even pictures with these lumas, of 8 bits, by the encoder alone."""
    encoder = cpu_encoder(Delivery(codec=codec, quality=Quality.DRAFT), 2, bits)
    colours = Colours(1, 1, 1, LIMITED)
    size = Size(WIDTH, HEIGHT)
    with VideoFile(path, size, Fraction(25), colours, encoder, None) as file:
        for level in luma:
            file.add(even(encoder.pixel_format, level))
    return path


def even(pixel_format: str, level: int) -> av.VideoFrame:
    frame = av.VideoFrame(WIDTH, HEIGHT, pixel_format)
    deep = pixel_format.endswith("10le")
    for plane, value in zip(frame.planes, (level, 128, 128), strict=True):
        samples: Any = np.frombuffer(plane, np.uint16 if deep else np.uint8)
        samples[:] = value * 4 if deep else value
    return frame


@pytest.mark.parametrize("codec", list(Codec))
def test_parts_encoded_apart_share_their_parameter_sets(tmp_path: Path, codec: Codec) -> None:
    one = written(tmp_path / "one.mp4", codec, [60] * 3)
    other = written(tmp_path / "other.mp4", codec, list(range(40, 140, 9)))

    with av.open(str(one)) as first, av.open(str(other)) as second:
        said = [each.streams.video[0].codec_context.extradata for each in (first, second)]
    assert said[0]
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [
        (Codec.H264, "yuv420p"),
        (Codec.HEVC, "yuv420p10le"),
        (Codec.AV1, "yuv420p10le"),
    ],
)
def test_more_than_eight_bits_stay_ten_but_in_h264(
    tmp_path: Path, codec: Codec, pixel_format: str
) -> None:
    path = written(tmp_path / "deep.mp4", codec, [100] * 3, bits=12)

    with av.open(str(path)) as file:
        frame = next(file.decode(video=0))
    assert frame.format.name == pixel_format


@pytest.mark.parametrize(
    ("codec", "luma"), [("h264", 100), ("hevc", 402), ("av1", 402)], ids=list(Codec)
)
def test_ten_bits_of_an_input_come_through_but_in_h264(
    tmp_path: Path, codec: str, luma: int
) -> None:
    encoder = cpu_encoder(Delivery(Codec.HEVC, Quality.HIGH), 2, 10)
    source, colours = tmp_path / "in.mp4", Colours(1, 1, 1, LIMITED)
    with VideoFile(source, Size(WIDTH, HEIGHT), Fraction(25), colours, encoder, None) as file:
        for _ in range(3):
            frame = even("yuv420p10le", 100)
            np.frombuffer(frame.planes[0], np.uint16)[:] = 402  # between two 8-bit steps
            file.add(frame)

    made = export("framing", source, tmp_path / "scratch", codec=codec, poster=True, **SMALL)

    with av.open(str(made.path)) as opened:
        shown = next(opened.decode(video=0))
    bits = shown.format.components[0].bits
    samples: Any = np.frombuffer(shown.planes[0], np.uint8 if bits == 8 else np.uint16)
    assert bits == (8 if codec == "h264" else 10)
    assert abs(float(np.median(samples)) - luma) <= 1
    assert "poster" in made.beside


# In a process of its own: a library reads how much it may print once, at its first encoder.
ALL_WRITTEN = """
import sys
from pathlib import Path
from shared.render.delivery import Codec
from tests.media.test_deliveries import written
for codec in Codec:
    written(Path(sys.argv[1], f"{codec}.mp4"), codec, [60] * 3)
"""


def test_encoders_print_nothing(tmp_path: Path) -> None:
    quiet = {name: value for name, value in os.environ.items() if name != "SVT_LOG"}
    done = subprocess.run(
        [sys.executable, "-c", ALL_WRITTEN, tmp_path],
        cwd=ROOT,
        env=quiet,
        timeout=120,
        check=True,
        capture_output=True,
    )

    assert {each.name for each in tmp_path.iterdir()} == {f"{each}.mp4" for each in Codec}
    assert (done.stdout, done.stderr) == (b"", b"")
