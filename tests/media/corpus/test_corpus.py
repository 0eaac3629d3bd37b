"""Every sort of file people send comes out right, or is refused with what to do about it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shared.errors import JobFailed
from tests.media.corpus.catalogue import ENTRIES
from tests.media.corpus.entry import Entry
from tests.media.corpus.rendering import DARK, Rendering, is_dark, render_entry

pytestmark = pytest.mark.media

READ = [entry for entry in ENTRIES if entry.refused is None]
REFUSED = [entry for entry in ENTRIES if entry.refused is not None]
each_read = pytest.mark.parametrize("entry", READ, ids=lambda entry: entry.name)

Render = Callable[[Entry], Rendering]


@pytest.fixture(scope="module")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Renders an entry once for all the tests that look at it."""
    done: dict[str, Rendering] = {}

    def rendered(entry: Entry) -> Rendering:
        if entry.name not in done:
            folder = tmp_path_factory.mktemp("corpus")
            file = entry.recipe.build(folder)
            done[entry.name] = render_entry(entry, file, folder / "scratch")
        return done[entry.name]

    return rendered


@each_read
def test_d130_every_frame_comes_out_on_its_time_and_what_is_odd_is_said(
    entry: Entry, render: Render
) -> None:
    seen = render(entry)

    assert seen.numbers == entry.numbers
    assert [shot.time for shot in seen.shots] == [
        n / entry.rate_hz for n in range(len(entry.numbers))
    ]
    assert seen.made.result.duration_s == pytest.approx(len(entry.numbers) / entry.rate_hz)
    assert tuple(seen.made.warnings) == entry.remarks


@each_read
def test_d132_the_corners_are_where_they_belong_in_their_colours(
    entry: Entry, render: Render
) -> None:
    seen = render(entry)

    tags = entry.tags or (entry.recipe.colour.matrix, entry.recipe.colour.colour_range)
    assert (seen.shots[0].matrix, seen.shots[0].colour_range) == tags
    assert seen.patches == {
        name: pytest.approx(rgb, abs=entry.colour_tolerance)
        for name, rgb in entry.patches.items()
    }


@each_read
def test_d134_the_beep_comes_with_the_flash(entry: Entry, render: Render) -> None:
    seen = render(entry)

    meant = [] if entry.sounds_at_s is None else [entry.sounds_at_s]
    assert seen.sounds_at_s == pytest.approx(meant, abs=0.02)


@each_read
def test_d129_d131_a_highlight_lies_on_its_frames_and_on_its_spot(
    entry: Entry, render: Render
) -> None:
    seen = render(entry)

    dark = [n for n, shot in enumerate(seen.shots) if is_dark(shot, entry.output)]
    assert dark == [n for n in DARK if n < len(entry.numbers)]
    for n in dark:
        lit = [np.mean(rgb) for rgb in seen.patches_on(n).values()]
        plain = [np.mean(rgb) for rgb in seen.patches.values()]
        assert lit == pytest.approx([plain[0], *(0.4 * each for each in plain[1:])], abs=5)


@each_read
def test_d124_a_pan_shows_the_dot_within_half_a_pixel(entry: Entry, render: Render) -> None:
    seen = render(entry)

    assert np.abs(seen.dots_off_px or [(0, 0)]).max() <= 0.5


@pytest.mark.parametrize("entry", REFUSED, ids=lambda entry: entry.name)
def test_what_cannot_be_read_says_what_to_do(entry: Entry, tmp_path: Path) -> None:
    file = entry.recipe.build(tmp_path)

    with pytest.raises(JobFailed) as failure:
        render_entry(entry, file, tmp_path / "scratch")

    assert failure.value.what == "input_unreadable"
    assert entry.refused is not None
    assert entry.refused in failure.value.public
