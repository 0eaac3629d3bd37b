"""What else lies in a file, and what is missing from it."""

from pathlib import Path

from shared.render.cropping import Size
from tests.media.corpus.codecs import X264
from tests.media.corpus.entry import Entry
from tests.media.corpus.recipes import Recipe, ffmpeg
from tests.media.corpus.steps import (
    cut_off,
    elementary,
    overwritten,
    patched,
    remuxed,
    with_second,
)
from tests.support.footage import BT470BG, BT601, FULL, Colour


def _cover(beside: Path) -> Path:
    made = beside.with_name("cover.png")
    ffmpeg("-f", "lavfi", "-i", "color=red:s=96x96", "-frames:v", "1", made)
    return made


def _thumbnails(beside: Path) -> Path:
    made = beside.with_name("thumbnails.mov")
    source = ("-f", "lavfi", "-i", "color=red:s=96x54:r=10:d=0.8")
    ffmpeg(*source, *["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"], made)
    return made


def _hum(beside: Path) -> Path:
    made = beside.with_name("hum.m4a")
    ffmpeg("-f", "lavfi", "-i", "aevalsrc=exprs='0.05*sin(300*t)':s=48000:d=0.8", made)
    return made


def _subtitles(beside: Path) -> Path:
    made = beside.with_name("words.srt")
    made.write_text("1\n00:00:00,100 --> 00:00:00,500\nA word\n")
    return made


def _switching(path: Path) -> Path:
    """Go on with the second half of the frames in a smaller picture."""
    folder = path.with_name("smaller")
    folder.mkdir()
    numbers = tuple(range(12, 24))
    smaller = Recipe(numbers=numbers, stored=Size(256, 144), sound=None).build(folder)
    joined = path.with_name("joined.h264")
    joined.write_bytes(b"".join(elementary(each) for each in (path, smaller)))
    made = path.with_name("switching.mkv")
    both = ("-f", "h264", "-r", "30", "-i", joined, "-i", path)
    ffmpeg(*both, *["-map", "0:v", "-map", "1:a", "-c", "copy"], made)
    return made


BESIDE = (
    Entry(
        name="mp4-cover-art",
        recipe=Recipe(
            steps=(with_second(_cover, "-map 1 -map 0 -disposition:v:0 attached_pic"),)
        ),
    ),
    Entry(
        name="mkv-cover-attachment",
        recipe=Recipe(
            ending="mkv",
            steps=(
                lambda path: remuxed(
                    f"-attach {_cover(path)} -metadata:s:t mimetype=image/png"
                )(path),
            ),
        ),
    ),
    Entry(
        # The second track is said to have a timecode; that is made to say that the first one
        # holds its chapters, which makes it timed thumbnails.
        name="mov-timed-thumbnails",
        recipe=Recipe(
            ending="mov",
            steps=(
                with_second(_thumbnails, "-map 1 -map 0 -metadata:s:v:1 timecode=01:00:00:00"),
                patched(b"\0\0\0\x0ctmcd\0\0\0\x04", b"\0\0\0\x0cchap\0\0\0\x01"),
            ),
        ),
    ),
    Entry(
        name="mov-timecode-and-subtitles",
        recipe=Recipe(
            ending="mov",
            steps=(
                with_second(_subtitles, "-c:s mov_text -map 1 -map 0 -timecode 01:00:00:00"),
            ),
        ),
    ),
    Entry(
        name="second-sound-is-the-default",
        recipe=Recipe(
            ending="mkv",
            steps=(
                with_second(
                    _hum,
                    "-map 0:v -map 1:a -map 0:a -disposition:a:0 0 -disposition:a:1 default",
                ),
            ),
        ),
    ),
    Entry(
        name="first-of-two-sounds",
        recipe=Recipe(
            ending="mkv",
            steps=(
                with_second(
                    _hum, "-map 0:v -map 0:a -map 1:a -disposition:a:0 0 -disposition:a:1 0"
                ),
            ),
        ),
    ),
)
SWITCHES = (
    Entry(
        name="size-switches-midway",
        recipe=Recipe(numbers=tuple(range(12)), steps=(_switching,)),
    ),
)
DAMAGE = (
    Entry(
        name="a-few-damaged-packets",
        recipe=Recipe(video=f"{X264} -g 6", steps=(overwritten([11]),)),
        shown=(*range(11), 10, *range(12, 24)),
        remarks=("input_damaged",),
    ),
    Entry(
        # The decoder paints what it had over what it lost; the next sync sample mends it.
        name="half-a-damaged-packet",
        recipe=Recipe(video=f"{X264} -g 6", steps=(overwritten([11], from_part=0.6),)),
        shown=(*range(11), 10, *range(12, 24)),
        remarks=("input_damaged",),
    ),
    Entry(
        name="damaged-in-every-second-half",
        recipe=Recipe(steps=(overwritten(range(1, 24), from_part=0.6),)),
        refused="damaged",
    ),
    Entry(
        name="damaged-through-and-through",
        recipe=Recipe(steps=(overwritten(range(2, 24)),)),
        refused="damaged",
    ),
    Entry(
        name="mkv-cut-off",
        recipe=Recipe(ending="mkv", video=f"{X264} -g 4", sound=None, steps=(cut_off(0.6),)),
        shown=tuple(range(12)),
        remarks=("input_truncated",),
    ),
    Entry(
        name="mp4-cut-off-before-its-index",
        recipe=Recipe(steps=(cut_off(0.6),)),
        refused="upload the whole file again",
    ),
    Entry(
        name="mp4-index-first-cut-off",
        recipe=Recipe(
            video=f"{X264} -g 4",
            sound=None,
            file="-movflags +faststart",
            steps=(cut_off(0.7),),
        ),
        shown=tuple(range(14)),
        remarks=("input_truncated",),
    ),
    Entry(
        name="avi-cut-off",
        recipe=Recipe(
            ending="avi",
            video="-c:v mjpeg -qscale:v 1 -qmin 1",
            colour=Colour(BT601, FULL),
            sound=None,
            steps=(cut_off(0.6),),
        ),
        tags=(BT470BG, FULL),
        shown=tuple(range(13)),
        remarks=("input_truncated",),
    ),
)
