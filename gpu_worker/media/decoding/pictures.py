"""From a decoder's frame to planes with their places, whatever its pixel format."""

from collections.abc import Iterator

from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from gpu_worker.media.picture.colour import LIMITED
from gpu_worker.media.picture.look import Look
from gpu_worker.media.picture.planes import Axis, Picture, Plane, samples_of, subsampled
from shared.render.cropping import Size

_SIZE = 64  # a size every subsampling divides


def is_rgb(pixel_format: VideoFormat) -> bool:
    """Whether samples are red, green and blue, or indices of such colours."""
    return pixel_format.is_rgb or pixel_format.has_palette


def is_planar_yuv(pixel_format: VideoFormat) -> bool:
    """Whether planes can be read as they are: Y, Cb, Cr apart, 8 or little-endian 16 bits."""
    parts = pixel_format.components
    return (
        not is_rgb(pixel_format)
        and len(parts) >= 3
        and [part.plane for part in parts[:3]] == [0, 1, 2]
        and (parts[0].bits == 8 or not pixel_format.is_big_endian)
    )


def planar_twin(pixel_format: VideoFormat) -> str:
    """The planar Y'CbCr format nearest to one that is not: same chroma, 8 or 10 bits."""
    if is_rgb(pixel_format):
        return "yuv444p"
    if len(pixel_format.components) < 3:
        return "yuv420p"
    across = _SIZE // pixel_format.chroma_width(_SIZE)
    down = _SIZE // pixel_format.chroma_height(_SIZE)
    chroma = {(1, 1): "444", (2, 1): "422"}.get((across, down), "420")
    depth = "p10le" if pixel_format.components[0].bits > 8 else "p"
    return f"yuv{chroma}{depth}"


class ToPlanar:
    """Brings frames of other pixel formats to planar Y'CbCr; those that are pass untouched.

    One for each thread: it keeps ffmpeg's scaler between frames.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """The frame with planes as `picture_of` reads them."""
        if is_planar_yuv(frame.format):
            return frame
        colours = self._look.colours
        rgb = is_rgb(frame.format)
        return self._reformatter.reformat(
            frame,
            format=planar_twin(frame.format),
            # Where both sides are Y'CbCr, both are stated: ffmpeg takes an untagged side for
            # BT.601 and would convert.
            src_colorspace=None if rgb else colours.matrix,
            src_color_range=None if rgb else colours.colour_range,
            dst_colorspace=colours.matrix,
            dst_color_range=LIMITED if rgb else colours.colour_range,
            threads=1,
        )


def picture_of(frame: VideoFrame, look: Look) -> Picture:
    """Views of a planar frame's planes, placed in the displayed picture. Not to be written.

    A frame of another size than the first, as when a stream switches, fills the same picture.
    """
    coded = Size(frame.width, frame.height)
    turned = look.orientation.transposed
    shown = look.displayed
    width, height = (coded.height_px, coded.width_px) if turned else (frame.width, frame.height)
    y, cb, cr = (
        Plane(
            placed.samples,
            placed.x.over(shown.width_px / width),
            placed.y.over(shown.height_px / height),
        )
        for placed in (look.orientation.placed(each, coded) for each in _planes(frame, look))
    )
    bits = frame.format.components[0].bits
    return Picture((y, cb, cr), bits, full=look.colours.full)


def _planes(frame: VideoFrame, look: Look) -> Iterator[Plane]:
    pixel_format = frame.format
    bits = pixel_format.components[0].bits
    across = subsampled(_SIZE // pixel_format.chroma_width(_SIZE), centred=look.chroma_centred)
    down = subsampled(_SIZE // pixel_format.chroma_height(_SIZE), centred=True)
    axes = ((Axis(1, 0), Axis(1, 0)), (across, down), (across, down))
    for plane, (x, y) in zip(frame.planes[:3], axes, strict=True):
        yield Plane(samples_of(plane, bits)[:, : plane.width], x, y)
