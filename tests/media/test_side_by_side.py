"""An export made in several processes is the export made in one, frame for frame."""

import random
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import pytest

from shared.render.cropping import Rect
from tests.support.exports import heard, number_in
from tests.support.footage import Clip, Picture, Sound, flat, grey, with_dots, with_number
from tests.support.warm_exports import Made, WarmExports, warm_exports

pytestmark = pytest.mark.media

FRAMES = 72
NTSC = Fraction(30000, 1001)
AT = (40, 20)
WHOLE = Rect(0, 0, 160, 90)
AS_IT_IS = {"output_width": 160, "output_height": 90}
TRIM = {"start_time": 0.5, "end_time": 2.0}

_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "10")
ENCODINGS: dict[str, tuple[str, ...]] = {
    "short closed groups": (*_X264, "-g", "10"),
    "open groups": (*_X264, "-g", "12", "-bf", "3", "-x264-params", "open-gop=1:b-pyramid=2"),
    "one long group": (*_X264, "-g", "1000"),
    "intra refresh": (*_X264, "-g", "15", "-intra-refresh", "1"),
}


def numbered(count: int) -> Iterator[Picture]:
    """Grey pictures with a dot, each with its number painted on it."""
    background = with_dots(flat(160, 90, 60), [(30.0, 60.0)], 4)
    return (grey(with_number(background, n, AT)) for n in range(count))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Numbered frames at 29.97 a second, with sound that beeps."""
    length_s = float(FRAMES / NTSC)
    sound = Sound.beeps([0.3, 0.9, 1.5, 2.1], length_s)
    path = tmp_path_factory.mktemp("numbered") / "clip.mp4"
    return Clip(rate=NTSC, sound=sound).write(path, numbered(FRAMES))


@dataclass(slots=True)
class Exports:
    """Framings, each made once for all that look at it."""

    warm: WarmExports
    _made: dict[str, Made] = field(default_factory=dict)

    def framed(self, source: Path, processes: int = 1, **fields: Any) -> Made:
        order = {**AS_IT_IS, **fields}
        name = repr((source, processes, order))
        if name not in self._made:
            self._made[name] = self.warm.export("framing", source, processes=processes, **order)
        return self._made[name]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exports]:
    with warm_exports(tmp_path_factory.mktemp("exports")) as warm:
        yield Exports(warm)


Recoded = Callable[[str], Path]


@pytest.fixture(scope="module")
def recoded(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Recoded:
    """The clip in one of `ENCODINGS`, made once."""
    folder = tmp_path_factory.mktemp("recoded")

    def made(encoding: str) -> Path:
        path = folder / f"{encoding}.mp4"
        if not path.exists():
            recode(clip, path, ENCODINGS[encoding])
        return path

    return made


def recode(clip: Path, into: Path, how: tuple[str, ...]) -> Path:
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    command = [ffmpeg, "-loglevel", "error", "-i", str(clip), *how, "-c:a", "copy", str(into)]
    subprocess.run(command, check=True, timeout=60)
    return into


def numbers(path: Path, from_s: float | None = None) -> list[tuple[Fraction, int]]:
    """When each frame is shown, and the number on it; from the sync sample before a time on."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        if from_s is not None:
            file.seek(int(from_s / stream.time_base), stream=stream)
        shown = []
        for frame in file.decode(stream):
            plane = frame.planes[0]
            rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
            luma = rows[: plane.height, : plane.width]
            shown.append((frame.pts * frame.time_base, number_in(luma, AT, WHOLE)))
        return shown


def timed(path: Path) -> list[tuple[int, ...]]:
    """DTS and duration of the video's packets in their order, and the PTS sorted."""
    with av.open(str(path)) as file:
        found = [p for p in file.demux(file.streams.video[0]) if p.size]
        shown = sorted(p.pts for p in found)
        return [(p.dts, p.duration, pts) for p, pts in zip(found, shown, strict=True)]


def sounded(path: Path) -> list[tuple[int, int, bytes]]:
    with av.open(str(path)) as file:
        packets = file.demux(file.streams.audio[0])
        return [(p.pts, p.duration, bytes(p)) for p in packets if p.size]


def keys(path: Path) -> list[int]:
    """The frames that decode alone."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        packets = [p for p in file.demux(stream) if p.size and p.is_keyframe]
        return [round(p.pts * stream.time_base * stream.average_rate) for p in packets]


def in_one_and_in(
    exports: Exports, processes: int, source: Path, **fields: Any
) -> tuple[Made, Made]:
    whole = exports.framed(source, **fields)
    joined = exports.framed(source, processes, **fields)
    # These are too short for an encoder to begin a group by itself.
    assert (len(keys(whole.path)), len(keys(joined.path))) == (1, processes)
    return whole, joined


@pytest.mark.parametrize("trim", [{}, TRIM], ids=["whole", "trimmed"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_each_frame_is_the_one_it_is_in_one_piece(
    exports: Exports, recoded: Recoded, encoding: str, trim: dict[str, float]
) -> None:
    joined = exports.framed(recoded(encoding), 3, **trim)

    # In one piece they are these, at these times, as `test_export_timing.py` has it.
    kept = range(15, 60) if trim else range(FRAMES)
    assert numbers(joined.path) == [(at / NTSC, number) for at, number in enumerate(kept)]
    assert len(keys(joined.path)) == 3


def test_a_rate_that_varies_is_cut_on_the_constant_timeline(
    exports: Exports, tmp_path: Path
) -> None:
    steps = random.Random(5).choices([1500, 3000, 4500, 9000], k=FRAMES - 1)
    stamps = list(accumulate(steps, initial=0))
    source = Clip(stamps=stamps).write(tmp_path / "varying.mp4", numbered(FRAMES))

    whole, joined = in_one_and_in(exports, 4, source)

    assert numbers(joined.path) == numbers(whole.path)
    assert len({number for _, number in numbers(joined.path)}) > FRAMES // 2


@pytest.mark.parametrize(
    "delivery",
    [{}, {"codec": "hevc", "quality": "draft"}, {"codec": "av1", "quality": "draft"}],
    ids=["h264", "hevc", "av1"],
)
def test_packets_follow_each_other_as_if_never_interrupted(
    exports: Exports, clip: Path, delivery: dict[str, str]
) -> None:
    whole, joined = in_one_and_in(exports, 3, clip, **delivery)

    lead = timed(joined.path)[0][0] - timed(whole.path)[0][0]
    assert [(dts - lead, *rest) for dts, *rest in timed(joined.path)] == timed(whole.path)
    assert [number for _, number in numbers(joined.path)] == list(range(FRAMES))
    assert joined.warnings == whole.warnings


@pytest.mark.parametrize(
    "fields",
    [{}, TRIM, {"loudness": {"target_lufs": -20}}],
    ids=["copied", "encoded", "levelled"],
)
def test_sound_is_that_of_one_piece_packet_for_packet(
    exports: Exports, clip: Path, fields: dict[str, Any]
) -> None:
    whole, joined = in_one_and_in(exports, 2, clip, **fields)
    assert sounded(joined.path) == sounded(whole.path)
    assert np.array_equal(heard(joined.path), heard(whole.path))


def test_sound_that_cannot_be_decoded_is_left_out_as_in_one_piece(
    exports: Exports, clip: Path, tmp_path: Path
) -> None:
    source = tmp_path / "spoiled.mp4"
    source.write_bytes(clip.read_bytes())
    spoil(source, "audio", range(len(sounded(clip))))

    whole, joined = in_one_and_in(exports, 2, source, **TRIM)

    assert "audio_dropped" in whole.warnings
    assert joined.warnings == whole.warnings
    assert not joined.done.result["has_audio"]


def test_the_file_is_laid_out_as_in_one_piece(exports: Exports, clip: Path) -> None:
    whole, joined = in_one_and_in(exports, 3, clip)

    assert boxes(joined.path) == boxes(whole.path)
    assert joined.path.read_bytes().count(b"elst") == whole.path.read_bytes().count(b"elst")
    assert looks(joined.path) == looks(whole.path)


def boxes(path: Path) -> list[bytes]:
    """The top-level boxes of an MP4 in order (ISO/IEC 14496-12, 4.2)."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        found.append(data[at + 4 : at + 8])
        at += int.from_bytes(data[at : at + 4], "big")
    return found


def looks(path: Path) -> list[object]:
    """What a player learns of the picture before it decodes any."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        context = stream.codec_context
        return [
            context.name,
            context.codec_tag,
            context.extradata,
            (context.width, context.height, context.pix_fmt),
            (context.color_range, context.colorspace, context.color_primaries),
            context.color_trc,
            stream.sample_aspect_ratio,
            (stream.time_base, stream.average_rate, stream.base_rate),
            (stream.start_time, stream.duration, stream.frames),
        ]


def test_a_player_that_seeks_behind_a_joint_shows_the_right_frame(
    exports: Exports, clip: Path
) -> None:
    _, joined = in_one_and_in(exports, 3, clip)

    at_joints = [numbers(joined.path, (frame + 3) / float(NTSC))[0] for frame in (24, 48)]

    assert at_joints == [(frame / NTSC, frame) for frame in (24, 48)]


def test_stills_are_those_of_one_piece(exports: Exports, clip: Path) -> None:
    whole, joined = in_one_and_in(exports, 3, clip, poster=True, sprites=True)

    in_one, in_three = (
        {file.name: Path(file.path).read_bytes() for file in made.done.files}
        for made in (whole, joined)
    )
    assert in_one.keys() == {"video", "poster", "sprites", "sprites_vtt"}
    assert in_three == {**in_one, "video": in_three["video"]}
    assert joined.done.result["poster_time_s"] == whole.done.result["poster_time_s"]


def test_a_damaged_video_is_made_in_one_piece_and_the_person_told_as_then(
    exports: Exports, clip: Path, tmp_path: Path
) -> None:
    source = recode(clip, tmp_path / "spoiled.mp4", (*_X264, "-g", "10", "-bf", "0"))
    spoil(source, "video", [12, 31])

    whole = exports.framed(source)
    asked_for_three = exports.framed(source, 3)

    assert "input_damaged" in whole.warnings
    assert asked_for_three.warnings == whole.warnings
    assert numbers(asked_for_three.path) == numbers(whole.path)
    assert list(asked_for_three.path.parent.iterdir()) == [asked_for_three.path]


def spoil(path: Path, stream: str, places: Iterable[int]) -> None:
    """Make some packets of a stream unreadable: what they begin with is nonsense."""
    with av.open(str(path)) as file:
        streams = file.streams.get({stream: 0})
        packets = [p for p in file.demux(*streams) if p.size]
        spoiled = [(packets[n].pos, packets[n].size) for n in places]
    with path.open("r+b") as raw:
        for at, size in spoiled:
            raw.seek(at)
            raw.write(b"\xff" * size)


def test_nothing_but_what_was_made_is_left_in_scratch(exports: Exports, clip: Path) -> None:
    made = exports.framed(clip, 3)
    assert list(made.path.parent.iterdir()) == [made.path]
