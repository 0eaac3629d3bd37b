"""What joins to one file, what does not, and what becomes of a render that does not."""

import subprocess
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from gpu_worker.kind_work import CannotFork, Part, Stopped
from gpu_worker.media.decoding.probe import probe
from gpu_worker.media.joining import CannotJoin, Segment, join
from gpu_worker.media.render import render
from gpu_worker.media.segments import Order
from shared.render.cropping import Size
from shared.render.delivery import Delivery
from shared.render.plan import plan_framing
from tests.support.footage import Clip, flat, grey

pytestmark = pytest.mark.media

RATE = Fraction(25)


def clip(path: Path, frames: int, *, side: int = 64, rate: Fraction = RATE) -> Path:
    pictures = (grey(flat(side, side, 40 + 2 * n)) for n in range(frames))
    return Clip(rate=rate).write(path, pictures)


def pieces(folder: Path, *lengths: int) -> list[Segment]:
    made, start = [], 0
    for length in lengths:
        path = clip(folder / f"{start}.mp4", length)
        made.append(Segment(path, range(start, start + length)))
        start += length
    return made


def unheard(_done: int) -> None:
    return


def test_pieces_become_one_stream_whose_times_follow_each_other(tmp_path: Path) -> None:
    into = tmp_path / "joined.mp4"
    said: list[int] = []

    join(pieces(tmp_path, 9, 1, 6), RATE, None, into, said.append)

    with av.open(str(into)) as file:
        stream = file.streams.video[0]
        packets = [p for p in file.demux(stream) if p.size]
    tick = 1 / RATE / stream.time_base
    steps = {b.dts - a.dts for a, b in pairwise(packets)}
    assert steps == {tick}
    assert sorted(p.pts / tick for p in packets) == list(range(16))
    assert all(p.dts <= p.pts for p in packets)
    assert said == list(range(1, 17))


@pytest.mark.parametrize("consume", [True, False])
def test_pieces_are_consumed_where_that_is_asked(tmp_path: Path, consume: bool) -> None:
    segments = pieces(tmp_path, 4, 4)

    join(segments, RATE, None, tmp_path / "joined.mp4", unheard, consume=consume)

    assert [each.path.exists() for each in segments] == [not consume] * 2


def otherwise_coded(folder: Path) -> list[Segment]:
    first, _ = pieces(folder, 4, 4)
    return [first, Segment(clip(folder / "big.mp4", 4, side=96), range(4, 8))]


def with_a_gap(folder: Path) -> list[Segment]:
    first, second = pieces(folder, 4, 4)
    return [first, Segment(second.path, range(5, 9))]


def too_short(folder: Path) -> list[Segment]:
    first, second = pieces(folder, 4, 4)
    return [first, Segment(second.path, range(4, 9))]


def at_another_rate(folder: Path) -> list[Segment]:
    return [Segment(clip(folder / "slow.mp4", 4, rate=Fraction(7)), range(4))]


@pytest.mark.parametrize(
    ("segments", "why"),
    [
        (lambda _folder: [], "nothing"),
        (otherwise_coded, "not coded alike"),
        (with_a_gap, "does not follow"),
        (too_short, "4 frames of"),
        (at_another_rate, "do not fall on ticks"),
    ],
)
def test_what_does_not_make_one_stream_is_not_joined(
    tmp_path: Path, segments: Callable[[Path], list[Segment]], why: str
) -> None:
    with pytest.raises(CannotJoin, match=why):
        join(segments(tmp_path), RATE, None, tmp_path / "joined.mp4", unheard)


class Crew:
    """Does the parts one after the other in this process, and then something to their files."""

    cores, memory_bytes = 16, None

    def __init__(self, then: Callable[[], None], wanted: int | None = 2) -> None:
        self.then, self.wanted = then, wanted

    def do(self, parts: Sequence[Part], progress: Callable[[float], None]) -> None:
        for part in parts:
            part(progress)
        self.then()


def rendered(folder: Path, then: Callable[[], None]) -> Path:
    source = probe(clip(folder / "clip.mp4", 12))
    plan = plan_framing(source.footage, Size(64, 64), ())
    into = folder / "export.mp4"
    render(Order(source, plan, Delivery()), into, lambda _fraction: None, crew=Crew(then))
    return into


def sync_samples(path: Path) -> int:
    with av.open(str(path)) as file:
        return sum(p.is_keyframe for p in file.demux(file.streams.video[0]) if p.size)


def test_pieces_that_do_not_join_are_made_anew_in_one(tmp_path: Path) -> None:
    def swap_one() -> None:
        (piece,) = tmp_path.glob("*/segment-1.mp4")
        clip(piece, 6, side=96)

    assert sync_samples(rendered(tmp_path, lambda: None)) == 2
    assert sync_samples(rendered(tmp_path, swap_one)) == 1
    assert {each.name for each in tmp_path.iterdir()} == {"clip.mp4", "export.mp4"}


def test_what_cannot_be_forked_is_made_in_one(tmp_path: Path) -> None:
    def refuse() -> None:
        raise CannotFork

    assert sync_samples(rendered(tmp_path, refuse)) == 1


@pytest.mark.parametrize(
    ("name", "frames", "keyframes_every", "pieces"),
    [
        ("long enough.mp4", 480, 120, 2),
        ("too short.mp4", 470, 120, 1),
        ("one long group.mp4", 1500, 1500, 2),
        ("untimed.avi", 480, 120, 1),
    ],
)
def test_a_render_is_split_by_itself_where_pieces_are_long_and_soon_reached(
    tmp_path: Path, name: str, frames: int, keyframes_every: int, pieces: int
) -> None:
    source = probe(plain(tmp_path / name, frames, keyframes_every))
    plan = plan_framing(source.footage, Size(64, 64), ())
    into = tmp_path / "export.mp4"
    split: list[int] = []

    crew = Crew(lambda: split.append(len(list(tmp_path.glob("*/*.mp4")))), wanted=None)
    render(Order(source, plan, Delivery()), into, lambda _fraction: None, crew=crew)

    assert split == [pieces] * (pieces > 1)
    assert source.video.frames == frames


def plain(path: Path, frames: int, keyframes_every: int) -> Path:
    clip = f"color=gray:size=64x64:rate=30:duration={frames / 30}"
    coded = ("-c:v", "libx264", "-preset", "ultrafast", "-g", str(keyframes_every))
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    command = [ffmpeg, "-loglevel", "error", "-f", "lavfi", "-i", clip, *coded, str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


def test_told_to_stop_a_render_in_pieces_leaves_none(tmp_path: Path) -> None:
    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        rendered(tmp_path, stop)
    assert [each.name for each in tmp_path.iterdir()] == ["clip.mp4"]
