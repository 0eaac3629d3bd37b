"""Every sort of file people send comes out right, or is refused with what to do about it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shared.errors import JobFailed
from shared.render.cropping import Rect, Size
from tests.media.corpus.catalogue import ENTRIES
from tests.media.corpus.entry import Entry
from tests.media.corpus.pictures import INTERLACED
from tests.media.corpus.rendering import DARK, Rendering, is_dark, render_entry
from tests.media.corpus.signals import BAR_PX, Layout, bar_at
from tests.support.exports import number_in
from tests.support.ingests import ingest

pytestmark = pytest.mark.media

READ = [entry for entry in ENTRIES if entry.refused is None]
REFUSED = [entry for entry in ENTRIES if entry.refused is not None]
each_read = pytest.mark.parametrize("entry", READ, ids=lambda entry: entry.name)

Build = Callable[[Entry], Path]
Render = Callable[[Entry], Rendering]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds an entry's file once for all that read it."""
    done: dict[str, Path] = {}

    def built(entry: Entry) -> Path:
        if entry.name not in done:
            done[entry.name] = entry.recipe.build(tmp_path_factory.mktemp("corpus"))
        return done[entry.name]

    return built


@pytest.fixture(scope="module")
def render(build: Build) -> Render:
    """Renders an entry once for all the tests that look at it."""
    done: dict[str, Rendering] = {}

    def rendered(entry: Entry) -> Rendering:
        if entry.name not in done:
            file = build(entry)
            done[entry.name] = render_entry(entry, file, file.parent / "scratch")
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


@each_read
def test_d01_a_thumbnail_is_the_frame_at_a_tenth_of_a_second_as_it_is_shown(
    entry: Entry, build: Build, tmp_path: Path
) -> None:
    made = ingest(build(entry), tmp_path, max_size=1024)

    pixels, layout = np.asarray(made.thumbnail)[..., :3], Layout(entry.size)
    luma = pixels @ np.array([0.3, 0.6, 0.1])
    at = min(int(entry.rate_hz / 10), len(entry.numbers) - 1)
    patches = {
        name: pixels[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4].mean((0, 1))
        for name, (x, y) in layout.patch_middles.items()
    }
    assert made.thumbnail.size == (entry.size.width_px, entry.size.height_px)
    assert number_in(luma, layout.number, whole(entry.size)) == entry.numbers[at]
    assert patches == {
        name: pytest.approx(rgb, abs=entry.colour_tolerance)
        for name, rgb in entry.kept_colours.items()
    }
    assert made.result.has_audio == (entry.recipe.sound is not None)
    assert made.result.frames == len(entry.numbers)


def whole(size: Size) -> Rect:
    return Rect(0, 0, size.width_px, size.height_px)


@pytest.mark.parametrize("entry", INTERLACED, ids=lambda entry: entry.name)
def test_an_interlaced_frame_shows_its_first_field_without_combs(
    entry: Entry, render: Render
) -> None:
    seen = render(entry)

    for n in range(1, 12):
        first_field = bar_at(2 * n) + BAR_PX / 2
        assert seen.bar_on(n) == pytest.approx([first_field] * len(seen.bar_on(n)), abs=1)


@pytest.mark.parametrize("entry", REFUSED, ids=lambda entry: entry.name)
def test_what_cannot_be_read_says_what_to_do(entry: Entry, tmp_path: Path) -> None:
    file = entry.recipe.build(tmp_path)

    with pytest.raises(JobFailed) as failure:
        render_entry(entry, file, tmp_path / "scratch")

    assert failure.value.what == "input_unreadable"
    assert entry.refused is not None
    assert entry.refused in failure.value.public
