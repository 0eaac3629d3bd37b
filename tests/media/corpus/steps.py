"""What is done to a file of the corpus after it was encoded: remuxed, cut off, damaged."""

from collections.abc import Callable, Iterable
from pathlib import Path

import av

from tests.media.corpus.recipes import Step, ffmpeg


def remuxed(*options: str, before: str = "", ending: str | None = None) -> Step:
    """Write the packets again: `before` goes before the input, `options` after it."""

    def step(path: Path) -> Path:
        made = path.with_name(f"{path.stem}-again.{ending or path.suffix[1:]}")
        after = [each for option in options for each in option.split()]
        ffmpeg(*before.split(), "-i", path, "-c", "copy", *after, made)
        return made

    return step


def turned(degrees: float = 0, *flips: str) -> Step:
    """Give the file a display matrix: turned counter-clockwise, then mirrored."""
    flags = " ".join(f"-display_{flip}" for flip in flips)
    return remuxed(before=f"-display_rotation {degrees} {flags}")


def apart(picture_s: float, sound_s: float, ending: str | None = None) -> Step:
    """Let picture and sound begin at these times of the file."""

    def step(path: Path) -> Path:
        made = path.with_name(f"{path.stem}-apart.{ending or path.suffix[1:]}")
        later = [("-itsoffset", str(each), "-i", path) for each in (picture_s, sound_s)]
        inputs = [each for one in later for each in one]
        ffmpeg(*inputs, *["-map", "0:v", "-map", "1:a", "-c", "copy"], made)
        return made

    return step


def with_second(
    second: Callable[[Path], Path], *options: str, before: str = "", ending: str | None = None
) -> Step:
    """Mux with a second file, which `second` makes beside the first."""

    def step(path: Path) -> Path:
        made = path.with_name(f"{path.stem}-both.{ending or path.suffix[1:]}")
        after = [each for option in options for each in option.split()]
        ffmpeg("-i", path, *before.split(), "-i", second(path), "-c", "copy", *after, made)
        return made

    return step


def elementary(path: Path) -> bytes:
    """The H.264 stream of a file alone."""
    made = path.with_suffix(".h264")
    ffmpeg("-i", path, *["-map", "0:v", "-c", "copy", "-bsf:v", "h264_mp4toannexb"], made)
    return made.read_bytes()


def cut_off(kept: float) -> Step:
    """Keep the first part of the bytes."""

    def step(path: Path) -> Path:
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * kept)])
        return path

    return step


def overwritten(which: Iterable[int], from_part: float = 0.0) -> Step:
    """Fill these video packets, in the order they are stored, with ones from some part on."""

    def step(path: Path) -> Path:
        overwrite_packets(path, which, from_part)
        return path

    return step


def overwrite_packets(path: Path, which: Iterable[int], from_part: float = 0.0) -> None:
    """Fill these video packets of a file with ones, in place, from some part of them on."""
    with av.open(str(path)) as file:
        places = [(packet.pos, packet.size) for packet in file.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    for pos, size in (places[index] for index in which):
        assert pos is not None
        kept = int(size * from_part)
        content[pos + kept : pos + size] = b"\xff" * (size - kept)
    path.write_bytes(content)


def patched(old: bytes, new: bytes) -> Step:
    """Put other bytes, as many, where some first stand."""

    def step(path: Path) -> Path:
        content = path.read_bytes()
        assert len(old) == len(new)
        at = content.index(old)
        path.write_bytes(content[:at] + new + content[at + len(old) :])
        return path

    return step
