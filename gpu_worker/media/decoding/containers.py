"""Open a local file that may be anything, with no way from it to other files or the network.

The container is told from the bytes, and its demuxer is forced. A playlist or a script that
calls itself a video matches none; one nested in a video finds no other demuxer, and only the
`file` protocol.
"""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from gpu_worker.media.decoding.codecs import WHITELIST
from shared.errors import JobFailed

StreamT = TypeVar("StreamT", bound=Stream)

# 8192 × 4320. A frame of more, with those a decoder keeps, does not fit a child's memory.
MAX_PIXELS = 35_389_440
# Pictures, sound in many tongues, subtitles, and a font for each: few files have a hundred.
MAX_STREAMS = 250
_SMALL_BYTES = 64 * 1024 * 1024  # what opening any file that is sound needs less than

_MOV_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_STILL_BRANDS = (b"heic", b"heix", b"heif", b"mif1", b"avif", b"avis", b"crx ")
_EBML = b"\x1a\x45\xdf\xa3"
_TAKEN = "MP4, MOV, WebM, MKV or AVI"


@dataclass(frozen=True, slots=True)
class Demuxer:
    """A container we take: ffmpeg's short name for it, and the name its whitelist knows."""

    name: str
    whitelisted: str


MOV = Demuxer("mov", "mov,mp4,m4a,3gp,3g2,mj2")
MATROSKA = Demuxer("matroska", "matroska,webm")
AVI = Demuxer("avi", "avi")


def demuxer_of(head: bytes) -> Demuxer | None:
    """Tell the container from its first bytes (32 are enough); None where we take it not."""
    if head.startswith(_EBML):
        return MATROSKA
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return AVI
    still = head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS
    return MOV if head[4:8] in _MOV_BOXES and not still else None


@contextmanager
def opened(
    path: Path, accelerator: HWAccel | None = None, *, unseen: int | None = None
) -> Iterator[InputContainer]:
    """Open a video file for reading, its video decoded on a device or not; closed on leaving.

    `unseen`: the index of a video stream whose pictures need not be known by opening alone.
    ffmpeg decodes the first few of each stream to tell what it is, which takes a seventh of
    a second of a 1080p video; who has probed it, or wants its sound, can do without.

    Raises `JobFailed` with `input_unreadable` and what the person can do about it.
    """
    container = _open(path, accelerator, blind_to(unseen))
    try:
        yield container
    finally:
        container.close()


def demuxed(container: InputContainer, *streams: StreamT) -> Iterator["Packet[StreamT]"]:
    """The packets of some streams, to the end or to where the file cannot be read on.

    That an end is missing is seen from the times of what came before, so it is no error here.
    A packet of which only a part is in the file is left out: it would decode to half a picture.
    """
    packets = cast("Iterator[Packet[StreamT]]", container.demux(*streams))
    while True:
        try:
            packet = next(packets, None)
        except MemoryError:
            raise
        except av.FFmpegError:
            return
        if packet is None:
            return
        if not packet.is_corrupt:
            yield packet


def blind_to(index: int | None) -> list[str]:
    """Stream options under which opening decodes nothing of the stream of this index."""
    options = [] if index is None else [*({} for _ in range(index)), {"skip_frame": "all"}]
    # The stubs speak of texts; what is read are dictionaries, one for each stream.
    return cast("list[str]", options)


def _open(path: Path, accelerator: HWAccel | None, stream_options: list[str]) -> InputContainer:
    with path.open("rb") as file:
        head = file.read(32)
    if not head:
        raise JobFailed("input_unreadable", "The file is empty. Upload it again.")
    demuxer = demuxer_of(head)
    if demuxer is None:
        raise JobFailed(
            "input_unreadable",
            f"The file is not a video we can read. Export it as {_TAKEN} and upload that.",
        )
    try:
        return av.open(
            str(path.absolute()),
            "r",
            format=demuxer.name,
            options={
                "protocol_whitelist": "file",
                "format_whitelist": demuxer.whitelisted,
                "codec_whitelist": WHITELIST,
                "max_pixels": str(MAX_PIXELS),
                "max_streams": str(MAX_STREAMS),
            },
            stream_options=stream_options,
            metadata_errors="replace",
            hwaccel=accelerator,
        )
    except MemoryError as error:
        # So ffmpeg says too where a file wants more streams than it may have, or a table of
        # gigabytes at once.
        if _memory_is_left():
            raise _too_much(str(error)) from error
        raise
    except (av.FFmpegError, ValueError) as error:
        raise _refusal(path, demuxer, error) from error


def _memory_is_left() -> bool:
    try:
        mmap.mmap(-1, _SMALL_BYTES).close()
    except (MemoryError, OSError):
        return False
    return True


def _too_much(detail: str) -> JobFailed:
    return JobFailed(
        "input_unreadable",
        f"The file says that it has more than {MAX_STREAMS} tracks, or tables larger than any "
        f"video needs. Export it again as {_TAKEN} and upload that.",
        detail=detail,
    )


def _refusal(path: Path, demuxer: Demuxer, error: Exception) -> JobFailed:
    if demuxer is MOV and not _has_index(path):
        return JobFailed(
            "input_unreadable",
            "The end of the file is missing, and its index with it. The recording was cut "
            "off or the upload was not complete: upload the whole file again.",
            detail=str(error),
        )
    return JobFailed(
        "input_unreadable",
        f"The file is damaged and cannot be opened. Export it again as {_TAKEN} and retry.",
        detail=str(error),
    )


def _has_index(path: Path) -> bool:
    """Whether a whole `moov` box is among the top-level ones (ISO/IEC 14496-12, 4.2)."""
    length = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at + 8 <= length:
            size, kind = _box(file, at, length)
            if kind == b"moov":
                return at + size <= length
            if size < 8:
                return False
            at += size
    return False


def _box(file: BinaryIO, at: int, length: int) -> tuple[int, bytes]:
    file.seek(at)
    header = file.read(16)
    size, kind = int.from_bytes(header[:4], "big"), header[4:8]
    if size == 1:
        size = int.from_bytes(header[8:16], "big")
    return (size or length - at), kind
