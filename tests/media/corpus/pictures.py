"""What pictures are made of besides plain colour: fields, high dynamic range, alpha, grey."""

from functools import partial
from pathlib import Path

import numpy as np

from shared.render.cropping import Size
from tests.media.corpus.codecs import AV1, FINE, VP9, X265
from tests.media.corpus.entry import Entry
from tests.media.corpus.recipes import Recipe, ffmpeg
from tests.media.corpus.signals import PATCHES, RGB, drawn, woven
from tests.media.corpus.steps import elementary
from tests.support.footage import BT601, BT709, BT2020, FULL, LIMITED, Colour
from tests.support.tone_oracle import HLG, PQ, mapped_rgb

TOP = partial(woven, bottom_first=False)
BOTTOM = partial(woven, bottom_first=True)
IN_FIELDS = "-c:v libx264 -preset veryfast -crf 4 -flags +ilme+ildct"


def _progressive_after(path: Path) -> Path:
    """Go on with the second half of the frames, which are not interlaced."""
    folder = path.with_name("progressive")
    folder.mkdir()
    numbers = tuple(range(12, 24))
    rest = Recipe(numbers=numbers, sound=None)
    joined = path.with_name("joined.h264")
    joined.write_bytes(elementary(path) + elementary(rest.build(folder)))
    made = path.with_name("mixed.mkv")
    both = ("-f", "h264", "-r", "30", "-i", joined, "-i", path)
    ffmpeg(*both, *["-map", "0:v", "-map", "1:a", "-c", "copy"], made)
    return made


INTERLACED = (
    Entry(
        name="interlaced-top-field-first",
        recipe=Recipe(
            ending="mov",
            video=f"{IN_FIELDS} -x264-params tff=1",
            picture=TOP,
            filters="setfield=tff",
        ),
    ),
    Entry(
        name="interlaced-bottom-field-first",
        recipe=Recipe(
            video=f"{IN_FIELDS} -x264-params bff=1", picture=BOTTOM, filters="setfield=bff"
        ),
    ),
    Entry(
        name="interlaced-mpeg2",
        recipe=Recipe(
            ending="mkv",
            video=f"-c:v mpeg2video {FINE} -bf 2 -flags +ilme+ildct",
            picture=TOP,
            filters="setfield=tff",
        ),
    ),
    Entry(
        name="interlaced-prores",
        recipe=Recipe(
            ending="mov",
            video="-c:v prores_ks -profile:v 2 -flags +ilme+ildct",
            picture=BOTTOM,
            filters="setfield=bff",
            piped="yuv444p16le",
            kept="yuv422p10le",
        ),
    ),
    Entry(
        name="interlaced-then-progressive",
        recipe=Recipe(
            video=f"{IN_FIELDS} -bf 0 -x264-params tff=1",
            picture=TOP,
            filters="setfield=tff",
            numbers=tuple(range(12)),
            steps=(_progressive_after,),
        ),
    ),
)

WIDE_RANGE = "hdr-opt=1:repeat-headers=1:colorprim=bt2020:colormatrix=bt2020nc"
MASTERED = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L({},1)"
HDR = Colour(BT2020, LIMITED)


def seen(transfer: int, peak_nits: float) -> dict[str, RGB]:
    """The patches as tone mapping shows them, where their colours are an HDR signal's."""
    signal = np.array(list(PATCHES.values())) / 255
    shown = np.rint(mapped_rgb(signal, transfer, peak_nits) * 255).astype(int)
    return {
        name: (int(r), int(g), int(b)) for name, (r, g, b) in zip(PATCHES, shown, strict=True)
    }


def hdr(name: str, peak_nits: float, transfer: int = PQ, **how: str) -> Entry:
    recipe = Recipe(
        colour=HDR, transfer=transfer, piped="yuv444p16le", kept="yuv420p10le", **how
    )
    return Entry(
        name=name,
        recipe=recipe,
        tags=(BT709, LIMITED),
        patches=seen(transfer, peak_nits),
        remarks=("hdr_tone_mapped",),
    )


def _hevc(*stated: str) -> str:
    return f"{X265}:{':'.join((WIDE_RANGE, *stated))} -tag:v hvc1"


HIGH_DYNAMIC_RANGE = (
    hdr("hdr10-hevc-max-cll", 600, video=_hevc(MASTERED.format(10_000_000), "max-cll=600,200")),
    hdr("hdr10-hevc-mastered-at-4000", 4000, video=_hevc(MASTERED.format(40_000_000))),
    hdr("pq-vp9-unstated", 1000, video=VP9, ending="webm", sound="-c:a libopus"),
    hdr("hlg-hevc-mov", 1000, HLG, video=_hevc(), ending="mov"),
    hdr("hlg-av1", 1000, HLG, video=AV1),
    Entry(
        name="dolby-vision-without-a-base-layer",
        recipe=Recipe(
            video=f"{X265} -tag:v dvh1",
            tagged=False,
            piped="yuv444p16le",
            kept="yuv420p10le",
        ),
        refused="Dolby Vision",
    ),
    Entry(
        name="ycgco",
        recipe=Recipe(video=f"{X265}:colormatrix=ycgco -tag:v hvc1", tagged=False),
        refused="SDR",
    ),
)


def _see_through(size: Size, number: int) -> np.ndarray:
    """The usual picture, of which the right patches are half and the ground wholly opaque."""
    rgb = drawn(size, number)
    alpha = np.full(rgb.shape[:2], 255, np.uint8)
    alpha[:, -size.width_px // 8 :] = 128
    return np.dstack((rgb, alpha))


_HALF_SEEN = {
    name: rgb if "left" in name else tuple(round(each * 128 / 255) for each in rgb)
    for name, rgb in PATCHES.items()
}

ALPHA = (
    Entry(
        name="prores-4444-alpha",
        recipe=Recipe(
            ending="mov",
            video="-c:v prores_ks -profile:v 4 -alpha_bits 16",
            picture=_see_through,
            piped="rgba",
            kept="yuva444p10le",
        ),
        tags=(BT601, LIMITED),
        patches=_HALF_SEEN,
        uncovered=PATCHES,
        remarks=("transparency_lost",),
    ),
    Entry(
        name="qtrle-argb",
        recipe=Recipe(
            ending="mov", video="-c:v qtrle", picture=_see_through, piped="rgba", kept="argb"
        ),
        tags=(BT601, LIMITED),
        patches=_HALF_SEEN,
        uncovered=PATCHES,
        remarks=("transparency_lost",),
    ),
    Entry(
        # ffmpeg's own decoder passes the alpha over: the colours are those that are stored.
        name="vp9-alpha",
        recipe=Recipe(
            ending="webm",
            video=f"{VP9} -auto-alt-ref 0",
            picture=_see_through,
            piped="rgba",
            kept="yuva420p",
            sound="-c:a libopus",
        ),
        tags=(BT601, LIMITED),
        remarks=("transparency_lost",),
    ),
)

_GREYS = {name: (level,) * 3 for name, level in zip(PATCHES, (20, 80, 160, 230), strict=True)}
GREY = (
    Entry(
        name="grey-h264",
        recipe=Recipe(picture=partial(drawn, patches=_GREYS), kept="gray"),
        tags=(BT709, FULL),  # as ffmpeg makes its greys
        patches=_GREYS,
    ),
    Entry(
        name="grey-ffv1-10-bits",
        recipe=Recipe(
            ending="mkv",
            video="-c:v ffv1",
            picture=partial(drawn, patches=_GREYS),
            piped="yuv444p16le",
            kept="gray10le",
        ),
        tags=(BT709, FULL),  # as ffmpeg makes its greys
        patches=_GREYS,
    ),
)
