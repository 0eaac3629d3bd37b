import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.render.cropping import Size
from shared.render.delivery import Codec
from shared.render.splitting import parts_for, split

HD = Size(1920, 1080)
TALL = Size(1080, 1920)
GIB = 2**30
MINUTE = 1800


@given(
    start=st.integers(0, 10_000),
    length=st.integers(1, 10_000),
    parts=st.integers(1, 100),
    least=st.integers(1, 500),
)
def test_pieces_follow_each_other_evenly_and_none_is_too_short(start, length, parts, least):
    frames = range(start, start + length)

    pieces = split(frames, parts, least=least)

    lengths = [len(piece) for piece in pieces]
    assert [n for piece in pieces for n in piece] == list(frames)
    assert len(pieces) <= parts
    assert max(lengths) - min(lengths) <= 1
    assert len(pieces) == 1 or min(lengths) >= least


@pytest.mark.parametrize(
    ("frames", "parts", "least"),
    [(range(0), 2, 1), (range(0, 10, 2), 2, 1), (range(10), 0, 1), (range(10), 2, 0)],
)
def test_what_cannot_be_cut_is_refused(frames, parts, least):
    with pytest.raises(ValueError, match="cannot cut"):
        split(frames, parts, least=least)


@pytest.mark.parametrize(
    ("cores", "parts"), [(1, 1), (2, 1), (4, 1), (7, 1), (8, 2), (12, 2), (16, 3), (32, 5)]
)
def test_a_pipeline_more_is_begun_where_one_leaves_cores_idle(cores, parts):
    assert parts_for(cores, 10 * MINUTE, HD, TALL, None, Codec.H264) == parts


@pytest.mark.parametrize("codec", Codec)
def test_two_cores_are_never_shared(codec):
    assert parts_for(2, 100 * MINUTE, HD, Size(64, 64), None, codec) == 1


@pytest.mark.parametrize(("frames", "parts"), [(200, 1), (479, 1), (480, 2), (720, 3)])
def test_a_short_clip_is_not_cut_into_crumbs(frames, parts):
    assert parts_for(64, frames, HD, TALL, None, Codec.H264) == parts


@pytest.mark.parametrize(("gib", "parts"), [(1, 1), (2, 1), (3, 2), (5, 3), (16, 3)])
def test_no_more_are_begun_than_the_memory_holds(gib, parts):
    assert parts_for(16, 10 * MINUTE, HD, TALL, gib * GIB, Codec.H264) == parts


@given(
    cores=st.integers(1, 256),
    frames=st.integers(1, 10**6),
    side=st.integers(16, 8192),
    memory=st.one_of(st.none(), st.integers(0, 2**40)),
    codec=st.sampled_from(Codec),
)
@example(cores=7, frames=960, side=16, memory=None, codec=Codec.H264)
def test_each_piece_has_two_cores_or_more(cores, frames, side, memory, codec):
    parts = parts_for(cores, frames, HD, Size(side, side), memory, codec)
    assert parts == 1 or cores / parts >= 2
