"""How pictures are held, and what shape they and their pixels have."""

from shared.render.cropping import Size
from tests.media.corpus.codecs import VP9, X264
from tests.media.corpus.entry import Entry
from tests.media.corpus.recipes import Held, Recipe
from tests.media.corpus.steps import remuxed, turned
from tests.support.footage import BT601, LIMITED

TALL = Size(180, 320)

# The display matrix that shows each way to hold a picture: degrees, then mirrors.
_WAYS = {
    "turned-90": ((90,), Held(transposed=True, mirrored_y=True), TALL),
    "turned-180": ((180,), Held(mirrored_x=True, mirrored_y=True), Size(320, 180)),
    "turned-270": ((270,), Held(transposed=True, mirrored_x=True), TALL),
    "mirrored": ((0, "hflip"), Held(mirrored_x=True), Size(320, 180)),
    "upside-down": ((0, "vflip"), Held(mirrored_y=True), Size(320, 180)),
    "transposed": ((270, "hflip"), Held(transposed=True), TALL),
    "transposed-crosswise": (
        (90, "hflip"),
        Held(transposed=True, mirrored_x=True, mirrored_y=True),
        TALL,
    ),
    "turned-by-an-arbitrary-5": ((5,), Held(), Size(320, 180)),
}
ORIENTATIONS = tuple(
    Entry(name=name, recipe=Recipe(size=size, held=held, steps=(turned(*way),)))
    for name, (way, held, size) in _WAYS.items()
)
SHAPES = (
    Entry(name="wide-pixels", recipe=Recipe(stored=Size(240, 180))),
    Entry(name="narrow-pixels", recipe=Recipe(size=Size(426, 240), stored=Size(426, 180))),
    Entry(
        name="wide-pixels-turned",
        recipe=Recipe(
            size=TALL,
            stored=Size(240, 180),
            held=Held(transposed=True, mirrored_y=True),
            steps=(turned(90),),
        ),
    ),
    Entry(
        name="webm-wide-pixels",
        recipe=Recipe(ending="webm", video=VP9, sound="-c:a libopus", stored=Size(240, 180)),
    ),
    Entry(
        name="odd-size-420",
        recipe=Recipe(ending="webm", video=VP9, sound=None, size=Size(321, 179)),
    ),
    Entry(
        name="odd-size-444",
        recipe=Recipe(kept="yuv444p", size=Size(321, 179)),
    ),
    Entry(
        name="odd-size-641x359",
        recipe=Recipe(
            ending="mkv",
            video="-c:v ffv1",
            piped="rgb24",
            kept="bgr0",
            size=Size(641, 359),
            frames=16,
        ),
        tags=(BT601, LIMITED),
    ),
    Entry(
        name="turned-mov-without-rotation-in-its-frames",
        recipe=Recipe(
            ending="mov",
            size=TALL,
            held=Held(transposed=True, mirrored_y=True),
            video=f"{X264} -bf 0",
            steps=(turned(90),),
        ),
    ),
    Entry(
        name="mkv-turned",
        recipe=Recipe(
            ending="mkv",
            size=TALL,
            held=Held(transposed=True, mirrored_y=True),
            steps=(turned(90),),
        ),
    ),
    Entry(
        name="stereo-3d-side-by-side",
        recipe=Recipe(ending="mkv", steps=(remuxed("-metadata:s:v:0 stereo_mode=left_right"),)),
    ),
)
