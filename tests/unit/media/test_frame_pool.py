"""Frames that share memory in turn, and never at once."""

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from gpu_worker.media.picture.frame_pool import FramePool
from gpu_worker.media.picture.planes import samples_of
from shared.render.cropping import Size

SIZE = Size(64, 48)


def address(frame: VideoFrame) -> int:
    return int(samples_of(frame.planes[0]).ctypes.data)


def test_a_frame_s_memory_is_lent_again_once_it_is_gone() -> None:
    pool = FramePool(SIZE, "yuv420p")
    frame = pool.frame()
    lent = address(frame)

    del frame

    assert address(pool.frame()) == lent


def test_frames_that_are_held_have_memory_of_their_own() -> None:
    pool = FramePool(SIZE, "yuv420p")

    held = [pool.frame() for _ in range(3)]

    assert len({address(frame) for frame in held}) == 3


def test_samples_still_read_keep_a_frame_s_memory() -> None:
    pool = FramePool(SIZE, "yuv420p")
    frame = pool.frame()
    read = samples_of(frame.planes[2])
    lent = address(frame)

    del frame

    assert address(pool.frame()) != lent
    assert read.shape == (24, 32)


def test_what_a_filter_still_holds_is_not_lent() -> None:
    # Arrange: a filter that keeps the frame until it has the next.
    pool = FramePool(SIZE, "yuv420p")
    graph = av.filter.Graph()
    source = graph.add_buffer(width=64, height=48, format="yuv420p", time_base=1)  # type: ignore[arg-type]  # an integer is a fraction
    blend = graph.add("tblend", "all_mode=average")
    sink = graph.add("buffersink")
    source.link_to(blend)
    blend.link_to(sink)
    graph.configure()
    frame = pool.frame()
    frame.pts, lent = 0, address(frame)

    # Act
    source.push(frame)
    del frame

    # Assert
    assert address(pool.frame()) != lent


@pytest.mark.parametrize(
    ("size", "pixel_format"),
    [
        (SIZE, "yuv420p"),
        (Size(64, 46), "yuv420p"),
        (SIZE, "yuv420p10le"),
        (Size(18, 20), "yuv420p"),
    ],
    ids=str,
)
def test_every_format_and_size_gets_frames_of_its_own(size: Size, pixel_format: str) -> None:
    frame = FramePool(size, pixel_format).frame()

    assert (frame.width, frame.height, frame.format.name) == (
        size.width_px,
        size.height_px,
        pixel_format,
    )
    assert [(plane.width, plane.height) for plane in frame.planes] == [
        (size.width_px, size.height_px),
        *[(size.width_px // 2, size.height_px // 2)] * 2,
    ]


def test_planes_lie_apart_in_one_frame() -> None:
    frame = FramePool(SIZE, "yuv420p").frame()

    for value, plane in enumerate(frame.planes):
        samples_of(plane)[:] = value

    assert [set(np.unique(samples_of(plane))) for plane in frame.planes] == [{0}, {1}, {2}]
