"""From a decoder's frame to planes with their places, whatever its pixel format."""

from math import ceil, floor

import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from gpu_worker.media.picture.colour import LIMITED
from gpu_worker.media.picture.look import Look
from gpu_worker.media.picture.placing import placed_picture
from gpu_worker.media.picture.planes import Axis, Picture, Plane, samples_of, subsampled
from gpu_worker.media.picture.tone_mapping import OUTPUT_BITS, map_planes
from shared.render.cropping import Rect, Size

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
        and _bytes_as_here(pixel_format)
    )


def _bytes_as_here(pixel_format: VideoFormat) -> bool:
    bits = pixel_format.components[0].bits
    return bits == 8 or (bits > 8 and not pixel_format.is_big_endian)


def has_alpha(pixel_format: VideoFormat) -> bool:
    """Whether samples say how transparent they are."""
    return any(part.is_alpha for part in pixel_format.components)


def planar_twin(pixel_format: VideoFormat) -> str:
    """The planar Y'CbCr format nearest to one that is not: its chroma, alpha, 8 or 10 bits."""
    parts = pixel_format.components
    alpha = "a" if len(parts) > 3 and has_alpha(pixel_format) else ""
    depth = "p10le" if parts[0].bits > 8 else "p"
    if is_rgb(pixel_format):
        return f"yuv{alpha}444{depth}"
    if len(parts) < 3:
        return f"yuv420{depth}"
    across = _SIZE // pixel_format.chroma_width(_SIZE)
    down = _SIZE // pixel_format.chroma_height(_SIZE)
    chroma = {(1, 1): "444", (2, 1): "422"}.get((across, down), "420")
    return f"yuv{alpha}{chroma}{depth}"


class ToPlanar:
    """Brings frames of other pixel formats to planar Y'CbCr; those that are pass untouched.

    What is transparent is laid on black, or with `keep_alpha` left with a fourth plane. One
    for each thread: it keeps ffmpeg's scaler between frames.
    """

    def __init__(self, look: Look, *, keep_alpha: bool = False) -> None:
        self._look = look
        self._keep_alpha = keep_alpha
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """The frame with planes as `picture_of` reads them."""
        planar = frame if is_planar_yuv(frame.format) else self._planar(frame)
        if self._keep_alpha or not has_alpha(planar.format):
            return planar
        return on_black(planar, self._look)

    def _planar(self, frame: VideoFrame) -> VideoFrame:
        if is_grey(frame.format):
            return with_no_colour(frame)
        colours = self._look.stored
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


def is_grey(pixel_format: VideoFormat) -> bool:
    """Whether samples are luma alone, in whole bytes of this machine's order."""
    parts = pixel_format.components
    return len(parts) == 1 and not is_rgb(pixel_format) and _bytes_as_here(pixel_format)


def with_no_colour(frame: VideoFrame) -> VideoFrame:
    """A grey frame with planes of chroma. By ffmpeg it would be stretched to full range."""
    bits = frame.format.components[0].bits
    made = VideoFrame(frame.width, frame.height, "yuv420p" + (f"{bits}le" if bits > 8 else ""))
    samples_of(made.planes[0], bits)[:, : frame.width] = samples_of(frame.planes[0], bits)[
        :, : frame.width
    ]
    for plane in made.planes[1:]:
        samples_of(plane, bits)[:] = 1 << (bits - 1)
    return made


def on_black(frame: VideoFrame, look: Look) -> VideoFrame:
    """What a frame with a plane of alpha looks like on black; alpha is taken as straight."""
    bits = frame.format.components[0].bits
    made = VideoFrame(frame.width, frame.height, frame.format.name.replace("yuva", "yuv"))
    alpha = samples_of(frame.planes[3], bits)[:, : frame.width] / ((1 << bits) - 1)
    black = 0 if look.stored.full else 16 << (bits - 8)
    for index, (source, target) in enumerate(zip(frame.planes, made.planes, strict=False)):
        nothing = black if index == 0 else 1 << (bits - 1)
        rows, columns = source.height, source.width
        across, down = -(-frame.width // columns), -(-frame.height // rows)
        share = alpha[::down, ::across]
        samples = samples_of(source, bits)[:, :columns]
        laid = nothing + (samples.astype(np.float32) - nothing) * share
        samples_of(target, bits)[:, :columns] = np.rint(laid)
    return made


def picture_of(frame: VideoFrame, look: Look, only: Rect | None = None) -> Picture:
    """Views of a planar frame's planes, placed in the displayed picture. Not to be written.

    HDR is brought to SDR here, in planes of their own: in whatever thread asks, frame by frame.
    That costs by the pixel, so where `only` a part of the displayed picture will be read, the
    planes of an HDR frame hold that part and what a filter reaches around it.
    """
    planes = _planes(frame, look)
    bits = frame.format.components[0].bits
    if look.tone_map is not None:
        if only is not None:
            planes = _cut(planes, _coded_part(only, look, Size(frame.width, frame.height)))
        planes, bits = map_planes(planes, bits, look.tone_map), OUTPUT_BITS
    return placed_picture(planes, Size(frame.width, frame.height), bits, look)


def _coded_part(part: Rect, look: Look, coded: Size) -> Rect:
    """Where a part of the displayed picture is in the coded one, in its pixels."""
    held, shown = look.orientation, look.displayed
    sides = coded.width_px, coded.height_px
    wide, high = sides[::-1] if held.transposed else sides
    across, down = wide / shown.width_px, high / shown.height_px
    width, height = part.width * across, part.height * down
    x = wide - part.x * across - width if held.mirrored_x else part.x * across
    y = high - part.y * down - height if held.mirrored_y else part.y * down
    return Rect(y, x, height, width) if held.transposed else Rect(x, y, width, height)


def _cut(planes: tuple[Plane, Plane, Plane], part: Rect) -> tuple[Plane, Plane, Plane]:
    """The planes around a part of the coded picture, whole cells of shared chroma."""
    luma, chroma = planes[:2]
    across, down = round(luma.x.scale / chroma.x.scale), round(luma.y.scale / chroma.y.scale)
    rows, columns = luma.samples.shape
    left = max(0, floor(part.x / across)) * across
    top = max(0, floor(part.y / down)) * down
    right = min(columns, ceil((part.x + part.width) / across) * across)
    low = min(rows, ceil((part.y + part.height) / down) * down)

    def cut(plane: Plane, share_x: int, share_y: int) -> Plane:
        x, y = left // share_x, top // share_y
        samples = plane.samples[y : -(-low // share_y), x : -(-right // share_x)]
        shifted = Axis(plane.x.scale, plane.x.shift - x), Axis(plane.y.scale, plane.y.shift - y)
        return Plane(samples, *shifted)

    return cut(planes[0], 1, 1), cut(planes[1], across, down), cut(planes[2], across, down)


def _planes(frame: VideoFrame, look: Look) -> tuple[Plane, Plane, Plane]:
    pixel_format = frame.format
    bits = pixel_format.components[0].bits
    across = subsampled(_SIZE // pixel_format.chroma_width(_SIZE), centred=look.chroma_centred)
    down = subsampled(_SIZE // pixel_format.chroma_height(_SIZE), centred=True)
    axes = ((Axis(1, 0), Axis(1, 0)), (across, down), (across, down))
    y, cb, cr = (
        Plane(samples_of(plane, bits)[:, : plane.width], *placed)
        for plane, placed in zip(frame.planes[:3], axes, strict=True)
    )
    return y, cb, cr
