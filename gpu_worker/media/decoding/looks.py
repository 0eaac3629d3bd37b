"""What the first frame says of how a video looks: its size, how it is held, its colours."""

import struct
from collections.abc import Mapping
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import cast

import av
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame

from gpu_worker.media.decoding.containers import demuxed, opened
from gpu_worker.media.decoding.pictures import is_rgb
from gpu_worker.media.decoding.streams import video_stream
from gpu_worker.media.picture.colour import FULL, LIMITED, UNREADABLE, UNSPECIFIED, colours_of
from gpu_worker.media.picture.look import Look
from gpu_worker.media.picture.planes import Orientation
from gpu_worker.media.picture.tone_mapping import SDR, ToneMap
from shared.errors import JobFailed
from shared.render.cropping import Size, displayed_size

_PACKETS_TO_FIRST_FRAME = 500
# Tags of Dolby Vision streams that other decoders show wrongly, unless they say what they are.
DOLBY_TAGS = frozenset({"dvh1", "dvhe", "dav1", "dva1", "dvav"})


def first_frame(path: Path, index: int) -> VideoFrame:
    """The first frame that can be decoded. Raises `JobFailed`."""
    with opened(path, unseen=index) as container:
        stream = video_stream(container, index)
        for packet in islice(demuxed(container, stream), _PACKETS_TO_FIRST_FRAME):
            try:
                frames = packet.decode()
            except MemoryError:
                raise
            except av.FFmpegError:
                continue  # A damaged start; `decode` counts and reports what it skips.
            if frames and isinstance(frames[0], VideoFrame):
                return frames[0]
    raise JobFailed(
        "input_unreadable",
        "No frame of the video can be decoded. Export it as H.264 and upload that.",
    )


def look_of(frame: VideoFrame, pixel_aspect: Fraction, codec: str, tag: str) -> Look:
    """How frames like this one are shown. Raises `JobFailed` where that is not known.

    `pixel_aspect` and `tag` are the container's: a pixel's width over its height, and its
    name for the codec.
    """
    _refuse_unreadable_colours(frame, tag)
    # The stubs know of motion vectors alone.
    matrix = cast("Mapping[str, SideData]", frame.side_data).get("DISPLAYMATRIX")
    orientation = Orientation.of_matrix(bytes(matrix)) if matrix else Orientation()
    # RGB is brought to limited range, whatever range its own samples have.
    jpeg = frame.format.name.startswith("yuvj")
    stated = FULL if jpeg else frame.color_range
    stored = colours_of(
        frame.colorspace,
        frame.color_primaries,
        frame.color_trc,
        LIMITED if is_rgb(frame.format) else stated,
        frame.height,
    )
    tone_map = ToneMap.of(stored, *_stated_nits(frame))
    return Look(
        displayed=displayed_size(
            Size(frame.width, frame.height), pixel_aspect, orientation.quarter_turns
        ),
        orientation=orientation,
        colours=SDR if tone_map else stored,
        pixel_format=frame.format.name,
        chroma_centred=codec in ("mjpeg", "mpeg1video"),
        tone_map=tone_map,
        interlaced=frame.interlaced_frame,
    )


def _refuse_unreadable_colours(frame: VideoFrame, tag: str) -> None:
    dolby_only = tag in DOLBY_TAGS and frame.colorspace == UNSPECIFIED
    if not is_rgb(frame.format) and (dolby_only or frame.colorspace in UNREADABLE):
        raise JobFailed(
            "input_unreadable",
            "The colours are coded in a way we cannot read, such as Dolby Vision without a "
            "standard base layer. Export the video as standard (SDR) or HDR10 and retry.",
            detail=f"matrix {frame.colorspace}, codec tag {tag}",
        )


def _stated_nits(frame: VideoFrame) -> tuple[float, float]:
    """MaxCLL and the mastering display's peak, in cd/m²; 0 where not stated.

    The layouts are those of ffmpeg's AVContentLightMetadata and AVMasteringDisplayMetadata.
    """
    stated = cast("Mapping[str, SideData]", frame.side_data)
    light = stated.get("CONTENT_LIGHT_LEVEL")
    mastering = stated.get("MASTERING_DISPLAY_METADATA")
    max_cll = struct.unpack_from("=I", bytes(light))[0] if light else 0
    peak, over, has_peak = 0, 1, 0
    if mastering:
        peak, over, _, has_peak = struct.unpack_from("=4i", bytes(mastering), 72)
    return float(max_cll), peak / over if has_peak and over else 0.0
