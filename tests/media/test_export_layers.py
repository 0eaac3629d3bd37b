"""Layers in finished exports: in their places, in their colours, in their frames."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.errors import JobFailed
from tests.support.exports import Exported, export, rgb_at, shots
from tests.support.footage import Clip, flat, grey

pytestmark = pytest.mark.media

SIZE = {"output_width": 320, "output_height": 180}
RED = {"type": "image", "image": {"asset_id": "logo"}}


@pytest.fixture(scope="module")
def grey_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of one grey, 720 lines high: BT.709."""
    path = tmp_path_factory.mktemp("grey") / "grey.mp4"
    return Clip().write(path, (grey(flat(1280, 720, 110)) for _ in range(12)))


@pytest.fixture(scope="module")
def red_square(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("red") / "red.png"
    Image.new("RGBA", (64, 64), (220, 20, 30, 255)).save(path)
    return path


def exported(
    kind: str, source: Path, into: Path, layers: list[dict[str, object]], files: dict[str, Path]
) -> Exported:
    return export(kind, source, into / "scratch", files, layers=layers, **SIZE)


@pytest.mark.parametrize("kind", ["framing", "overlay"])
def test_a_logo_keeps_its_colour_and_its_corner(
    kind: str, grey_clip: Path, red_square: Path, tmp_path: Path
) -> None:
    logo = RED | {"anchor": "bottom_right", "margin": 0.1, "width": 0.2}
    made = exported(kind, grey_clip, tmp_path, [logo], {"layers.0.image": red_square})
    for shot in shots(made.path):
        assert rgb_at(shot, 320 - 18 - 32, 180 - 18 - 32) == pytest.approx((220, 20, 30), abs=3)
        assert abs(float(shot.y[:60].mean()) - 110) < 1
        assert abs(float(shot.y[-16:, -16:].mean()) - 110) < 2


def test_a_logo_is_there_in_its_frames_and_fades(
    grey_clip: Path, red_square: Path, tmp_path: Path
) -> None:
    logo = RED | {"height": 0.5, "start_frame": 2, "end_frame": 10, "fade_out": 4}
    made = exported("framing", grey_clip, tmp_path, [logo], {"layers.0.image": red_square})
    red = [rgb_at(shot, 160, 90)[0] for shot in shots(made.path)]
    ground = red[0]
    shown = (np.array(red) - ground) / (220 - ground)
    wanted = [0, 0, 1, 1, 1, 1, 0.875, 0.625, 0.375, 0.125, 0, 0]
    assert shown == pytest.approx(wanted, abs=0.03)


def test_a_layer_s_broken_picture_fails_the_export_and_names_the_layer(
    grey_clip: Path, red_square: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(red_square.read_bytes()[:60])
    files = {"layers.0.image": red_square, "layers.1.image": broken}
    with pytest.raises(JobFailed) as caught:
        exported("framing", grey_clip, tmp_path, [RED, RED], files)
    assert caught.value.what == "input_unreadable"
    assert caught.value.public.startswith("layers.1: The picture is damaged")


def test_a_layer_outside_the_picture_is_told_of(
    grey_clip: Path, red_square: Path, tmp_path: Path
) -> None:
    files = {"layers.0.image": red_square}
    made = exported("overlay", grey_clip, tmp_path, [RED | {"x": 3.0}], files)
    assert made.warnings == ["layer_out_of_range"]


TITLE = {
    "type": "text",
    "text": "عنوان Title\n日本語",
    "anchor": "top",
    "margin": 0.08,
    "size": 0.12,
    "color": "#ffffff",
    "background": {"color": "#1040c0", "padding": 0.3},
}


@pytest.mark.parametrize("kind", ["framing", "overlay"])
def test_a_title_and_a_logo_are_drawn_in_one_export(
    kind: str, grey_clip: Path, red_square: Path, tmp_path: Path
) -> None:
    logo = RED | {"anchor": "bottom_left", "margin": 0.1, "width": 0.2}
    files = {"layers.0.image": red_square}
    made = exported(kind, grey_clip, tmp_path, [logo, TITLE], files)
    *_, last = shots(made.path)
    assert rgb_at(last, 18 + 32, 180 - 18 - 32) == pytest.approx((220, 20, 30), abs=3)
    blue = (last.cb.astype(int) > 150) & (last.cr < 128)
    rows, columns = np.nonzero(blue)
    assert columns.mean() * 2 == pytest.approx(160, abs=4)
    assert rows.min() * 2 == pytest.approx(0.08 * 180, abs=3)
    assert last.y[: 180 // 2].max() > 220
    assert made.warnings == (["crop_defaulted"] if kind == "framing" else [])


def test_a_broken_font_fails_the_export_and_names_the_layer(
    grey_clip: Path, red_square: Path, tmp_path: Path
) -> None:
    own = TITLE | {"font_file": {"asset_id": "font"}}
    with pytest.raises(JobFailed) as caught:
        exported("overlay", grey_clip, tmp_path, [own], {"layers.0.font_file": red_square})
    assert caught.value.what == "input_unreadable"
    assert caught.value.public.startswith("layers.0: The font cannot be read.")


def test_a_character_that_no_font_has_is_told_of(grey_clip: Path, tmp_path: Path) -> None:
    made = exported("overlay", grey_clip, tmp_path, [TITLE | {"text": "\U00012000"}], {})
    assert made.warnings == ["glyphs_missing"]
