"""One frame of a video as a picture, with its alpha where the video has any."""

from contextlib import closing

from av.video.frame import VideoFrame
from PIL import Image

from gpu_worker.media.decoding.footage import Source
from gpu_worker.media.decoding.frame_reader import FrameReader
from gpu_worker.media.decoding.pictures import picture_of
from gpu_worker.media.picture.planes import Array, Axis, Plane
from gpu_worker.media.picture.resample import PlaneResampler
from gpu_worker.media.stills.from_planes import picture_rgb, plane_at
from gpu_worker.media.stills.thumbnails import at_size, fitted_size
from gpu_worker.media.stills.video_alpha import alpha_of
from shared.errors import JobFailed
from shared.render.cropping import Size
from shared.render.timebase import frame_shown_at

_THREADS = 2


def video_thumbnail(
    source: Source, at_s: float, max_side_px: int, resampler: PlaneResampler, *, has_alpha: bool
) -> Image.Image:
    """The frame shown at an instant, made small: RGB, or RGBA where there is alpha.

    The first that can be decoded where the video is shorter, or shows nothing there. Raises
    `JobFailed`.
    """
    number, frame = _frame_at(source, at_s)
    look = source.look
    picture, shown = picture_of(frame, look), look.displayed
    small = fitted_size(shown, max_side_px)
    if not has_alpha:
        return Image.fromarray(picture_rgb(picture, look.colours, shown, small, resampler))
    # Colours are averaged by how much of them is seen, so not before both are in one place.
    whole = Image.fromarray(picture_rgb(picture, look.colours, shown, shown, resampler))
    whole.putalpha(Image.fromarray(_alpha(source, number, resampler)))
    return at_size(whole, small)


def _frame_at(source: Source, at_s: float) -> tuple[int, VideoFrame]:
    n = frame_shown_at(at_s, source.video.rate)
    if n < source.video.frames:
        try:
            return _first(source, range(n, n + 1))
        except JobFailed:
            pass  # Nothing is shown there; what comes later may be whole.
    return _first(source, range(source.video.frames))


def _first(source: Source, wanted: range) -> tuple[int, VideoFrame]:
    with closing(FrameReader(source, _THREADS, keep_alpha=True).frames(wanted)) as frames:
        return next(frames)


def _alpha(source: Source, number: int, resampler: PlaneResampler) -> Array:
    look, samples = source.look, alpha_of(source, number)
    coded = Size(samples.shape[1], samples.shape[0])
    plane = Plane(samples, Axis(1.0, 0.0), Axis(1.0, 0.0))
    held = look.orientation.placed(plane, coded)
    rows, columns = held.samples.shape
    shown = look.displayed
    placed = Plane(
        held.samples,
        held.x.over(shown.width_px / columns),
        held.y.over(shown.height_px / rows),
    )
    return plane_at(placed, shown, shown, resampler)
