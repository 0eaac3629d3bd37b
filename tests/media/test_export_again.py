"""The same work done again comes out the same, which is what a reused result stands for."""

from pathlib import Path

import pytest

from tests.support.exports import export

pytestmark = pytest.mark.media

SQUARE = {"output_width": 180, "output_height": 180}


@pytest.mark.parametrize("kind", ["framing", "overlay"])
def test_a_fresh_render_gives_byte_for_byte_what_was_given_before(
    beep_and_flash: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    first, second = (
        export(kind, beep_and_flash["with"], tmp_path / name, **SQUARE) for name in "ab"
    )

    assert second.path.read_bytes() == first.path.read_bytes()
    assert second.result == first.result
