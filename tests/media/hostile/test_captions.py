"""D149: what people write is drawn as they wrote it: no filter, shell or log reads it."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from gpu_worker.media.layers.fonts import FontShelf
from gpu_worker.media.layers.setting import set_text
from shared.render.layers import Text
from tests.media.hostile.canaries import Canaries
from tests.media.hostile.entry import Ground
from tests.support.exports import export
from tests.support.footage import Clip, flat, grey
from tests.support.frames import export_frame

pytestmark = pytest.mark.media

CAPTIONS = [
    "%{pts:hms}",
    "%{metadata:comment}",
    "a':fontsize=99:x=0",
    "[in]movie={secret}[out];[out]null",
    "drawtext=reload=1:source={secret}",
    "'; touch {secret}.new; '",
    "$(cat {secret}) `id` && | > <",
    "\\'\\:\\\\",
    "{url}/x.m3u8",
]
WIDE = 1_000_000.0


def written(caption: str, watched: Canaries) -> str:
    return caption.replace("{secret}", str(watched.secret)).replace("{url}", watched.url)


@pytest.mark.parametrize("caption", CAPTIONS)
def test_d149_each_character_of_a_caption_is_drawn_as_its_own_letter(
    caption: str, watched: Canaries
) -> None:
    text, shelf = written(caption, watched), FontShelf()

    block = set_text(Text(text, "noto-sans"), 100, WIDE, shelf, None)

    (line,) = block.lines
    assert [each.number for each in line.glyphs] == [
        each.typeface.font(100).get_nominal_glyph(ord(letter))
        for each, letter in zip(line.glyphs, text, strict=True)
    ]
    assert block.missing == ()


def test_d149_captions_of_any_sort_open_no_file_and_are_all_drawn(
    ground: Ground, watched: Canaries, tmp_path: Path
) -> None:
    source = tmp_path / "a:b'%d;[x].mp4"  # a path is as little of a command
    source.write_bytes(ground.good.clip("mp4"))
    said = "\n".join(written(caption, watched) for caption in CAPTIONS)
    layer = {"type": "text", "text": said, "size": 0.03, "max_width": 4}
    sides = {"output_width": 320, "output_height": 320, "crop_keyframes": None}

    plain = export_frame(source, tmp_path / "1", frame=0, **sides)
    drawn = export_frame(source, tmp_path / "2", frame=0, layers=[layer], **sides)
    made = export("overlay", source, tmp_path / "3", layers=[layer], **sides)

    rows = np.ptp(np.asarray(drawn.image).astype(int) - np.asarray(plain.image), axis=(1, 2))
    assert (rows > 100).sum() > len(CAPTIONS) * 5
    assert made.result.frames == plain.result.frame + 8
    assert (watched.visits, watched.opened) == ([], 0)
    assert [each.name for each in watched.secret.parent.iterdir()] == [watched.secret.name]


def test_d149_a_caption_s_line_feeds_break_lines_and_nothing_else(tmp_path: Path) -> None:
    source = Clip(rate=Fraction(25)).write(tmp_path / "x.mp4", [grey(flat(96, 64))] * 2)
    layer = {"type": "text", "text": "a\nb: c\n\n{}", "size": 0.1}

    made = export(
        "overlay", source, tmp_path / "out", layers=[layer], output_width=96, output_height=64
    )

    assert (made.result.frames, made.warnings) == (2, [])
