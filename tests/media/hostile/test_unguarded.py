"""What opens other files or addresses is refused where nothing else would stop it, too."""

from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from shared.errors import JobFailed
from tests.media.hostile.canaries import Canaries, canaries
from tests.media.hostile.catalogue import ENTRIES
from tests.media.hostile.disguised import DISGUISED
from tests.media.hostile.entry import VIDEO_DOORS, Ground, Hostile
from tests.media.hostile.references import REFERENCES
from tests.support.exports import export
from tests.support.ingests import ingest

pytestmark = pytest.mark.media


def test_the_canaries_count_who_comes(tmp_path: Path) -> None:
    with canaries(tmp_path) as control:
        build_opener(ProxyHandler({})).open(control.url + "/x", timeout=10).read()
        assert control.visits == ["/x"]
        assert control.opened == 0
        control.secret.read_bytes()
        assert control.opened > 0


def test_there_are_many_and_each_has_its_name() -> None:
    names = {entry.name for entry in ENTRIES}
    assert len(ENTRIES) >= 150
    assert len(names) == len(ENTRIES)


@pytest.mark.parametrize("entry", [*DISGUISED, *REFERENCES], ids=lambda entry: entry.name)
def test_d06_nothing_is_visited_where_no_sandbox_forbids_it_either(
    entry: Hostile, ground: Ground, watched: Canaries, tmp_path: Path
) -> None:
    source = tmp_path / "x.mp4"
    source.write_bytes(entry.content(ground))

    ended = [_ended(ingest, source, tmp_path / "1"), _ended(_exported, source, tmp_path / "2")]

    safe = "rendered" if entry.safe_at >= VIDEO_DOORS else entry.code
    assert ended == [safe, safe]
    assert (watched.visits, watched.opened) == ([], 0)


def _exported(source: Path, scratch: Path) -> object:
    return export("framing", source, scratch, output_width=64, output_height=64)


def _ended(work: object, source: Path, scratch: Path) -> str:
    try:
        work(source, scratch)
    except JobFailed as failure:
        return failure.what
    return "rendered"
