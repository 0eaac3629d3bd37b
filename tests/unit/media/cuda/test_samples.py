"""A plane on the device is placed as the same plane is here, however it is held."""

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from gpu_worker.media.cuda.agreement import DeviceDisagrees, psnr_db, vouched_for
from gpu_worker.media.cuda.samples import DeviceSamples, memory_of
from gpu_worker.media.picture.planes import Axis, Orientation, Plane, samples_of
from shared.render.cropping import Size

SIDES = st.integers(1, 9)


def read(samples: DeviceSamples) -> np.ndarray:
    """As a kernel reads it."""
    offset, down, across = samples.steps
    rows, columns = samples.shape
    return np.array(
        [
            [samples.data[offset + r * down + c * across] for c in range(columns)]
            for r in range(rows)
        ]
    )


@given(SIDES, SIDES, st.booleans(), st.booleans(), st.booleans())
def test_turning_and_mirroring_read_what_numpy_reads(
    rows, columns, transposed, mirrored_x, mirrored_y
):
    here = np.arange(rows * columns).reshape(rows, columns)
    there = DeviceSamples.of_rows(here)
    orientation = Orientation(transposed, mirrored_x, mirrored_y)
    coded, axis = Size(columns, rows), Axis(1, 0)

    ours = orientation.placed(Plane(there, axis, axis), coded)
    theirs = orientation.placed(Plane(here, axis, axis), coded)

    assert (read(ours.samples) == theirs.samples).all()
    assert (ours.x, ours.y) == (theirs.x, theirs.y)


def test_a_plane_on_the_device_is_not_cut():
    with pytest.raises(ValueError, match="cannot be cut"):
        DeviceSamples.of_rows(np.zeros((4, 4)))[1:, :]


@pytest.mark.parametrize(
    ("pixel_format", "bits", "plane"),
    [("nv12", 8, 0), ("nv12", 8, 1), ("p010le", 10, 0), ("p010le", 10, 1)],
)
def test_a_frames_memory_is_found_where_it_lies(pixel_format, bits, plane):
    frame = VideoFrame(62, 34, pixel_format)
    rows = samples_of(frame.planes[plane], bits)
    rows[:] = np.arange(rows.size).reshape(rows.shape) % 251

    found = memory_of(frame.planes[plane])

    assert found.address == rows.__array_interface__["data"][0]
    assert (found.rows, found.pitch, found.dtype) == (*rows.shape, rows.dtype)
    assert found.__cuda_array_interface__["shape"] == (rows.size,)


def test_a_frames_memory_outlives_the_frame():
    frame = VideoFrame(64, 32, "nv12")
    samples_of(frame.planes[0])[:] = 77
    found = memory_of(frame.planes[0])
    del frame

    import ctypes

    others = [VideoFrame(64, 32, "nv12") for _ in range(8)]
    for other in others:
        samples_of(other.planes[0])[:] = 3
    assert set(ctypes.string_at(found.address, found.rows * found.pitch)) == {77}


def grey(level: int) -> VideoFrame:
    frame = VideoFrame(32, 16, "yuv420p")
    for plane in frame.planes:
        samples_of(plane)[:] = level
    return frame


def watched(frames, *, remarked: bool = False) -> list[VideoFrame]:
    return list(vouched_for(iter(frames), lambda: grey(100), lambda: remarked))


def test_frames_that_begin_like_the_cpus_are_vouched_for():
    assert len(watched([grey(101), grey(30)])) == 2


def test_a_first_frame_unlike_the_cpus_is_found_out():
    with pytest.raises(DeviceDisagrees, match="dB"):
        watched([grey(103)])


def test_a_picture_of_another_size_is_found_out():
    with pytest.raises(DeviceDisagrees, match="makes"):
        watched([VideoFrame(16, 32, "yuv420p")])


def test_an_input_the_device_could_not_read_to_its_end_is_left_to_the_cpu():
    with pytest.raises(DeviceDisagrees, match="all of the input"):
        watched([grey(100)], remarked=True)


def test_no_frame_at_all_is_no_picture():
    with pytest.raises(DeviceDisagrees, match="no frame"):
        watched([])


def test_psnr_is_the_worst_planes():
    other = grey(100)
    samples_of(other.planes[2])[:] = 110

    assert psnr_db(grey(100), grey(100)) == np.inf
    assert psnr_db(grey(100), other) == pytest.approx(20 * np.log10(255 / 10))
