"""D06: a file that would have a decoder open other files or URLs is refused, and opens none."""

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from gateway.core.media_types import types_of
from shared.errors import JobFailed
from tests.support.exports import export
from tests.support.footage import Clip, flat, grey
from tests.support.frames import export_frame
from tests.support.hostile import scripts, with_data_elsewhere
from tests.support.ingests import ingest

pytestmark = pytest.mark.media

SECRET = b"SECRET-7d1f0c9a-of-another-tenant"
SMALL = {"output_width": 64, "output_height": 64}


@dataclass
class Listener:
    """A port that counts who comes."""

    url: str
    callers: list[Any] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        heard = Listener(f"http://127.0.0.1:{server.getsockname()[1]}")

        def listen() -> None:
            while True:
                connection, caller = server.accept()
                connection.close()
                if caller[1] == closing.getsockname()[1]:
                    return
                heard.callers.append(caller)

        thread = threading.Thread(target=listen, daemon=True)
        closing = socket.socket()
        closing.bind(("127.0.0.1", 0))
        thread.start()
        yield heard
        closing.connect(server.getsockname())
        thread.join()
        closing.close()


WORKS: dict[str, Callable[[Path, Path], object]] = {
    "media.ingest": ingest,
    "export.framing": lambda source, scratch: export("framing", source, scratch, **SMALL),
    "export.overlay": lambda source, scratch: export("overlay", source, scratch, **SMALL),
    "export.frame": lambda source, scratch: export_frame(source, scratch, frame=0, **SMALL),
}
SORTS = sorted(scripts(Path("x"), ""))
EACH_WORK = pytest.mark.parametrize("work", WORKS.values(), ids=WORKS.keys())


def refused(work: Callable[[Path, Path], object], source: Path, scratch: Path) -> JobFailed:
    with pytest.raises(JobFailed) as caught:
        work(source, scratch)
    return caught.value


def assert_nothing_was_taken(scratch: Path, heard: Listener) -> None:
    made = [each.read_bytes() for each in scratch.rglob("*") if each.is_file()]
    assert not [content for content in made if SECRET in content]
    assert heard.callers == []


@EACH_WORK
@pytest.mark.parametrize("sort", SORTS)
def test_d06_a_script_named_mp4_is_refused_and_opens_nothing(
    tmp_path: Path, listener: Listener, work: Callable[[Path, Path], object], sort: str
) -> None:
    (tmp_path / "secret.txt").write_bytes(SECRET)
    source = tmp_path / "x.mp4"
    source.write_bytes(scripts(tmp_path / "secret.txt", listener.url)[sort])

    failure = refused(work, source, tmp_path / "scratch")

    assert failure.what == "input_unreadable"
    assert SECRET.decode() not in failure.public + str(failure)
    assert str(tmp_path) not in failure.public
    assert_nothing_was_taken(tmp_path / "scratch", listener)


@pytest.mark.parametrize("sort", SORTS)
def test_d06_no_upload_of_such_a_file_is_taken_whatever_it_is_called(sort: str) -> None:
    assert types_of(scripts(Path("/etc/hostname"), "http://127.0.0.1:9")[sort]) == frozenset()


@pytest.fixture
def data_elsewhere(tmp_path: Path) -> Path:
    """A video whose pictures are in the file beside it, if one believes it."""
    beside = tmp_path / "beside.mp4"
    Clip(rate=Fraction(25)).write(beside, [grey(flat(96, 64))] * 5)
    source = tmp_path / "x.mp4"
    source.write_bytes(with_data_elsewhere(beside.read_bytes(), str(beside)))
    return source


def test_a_decoder_that_believes_a_data_reference_opens_the_other_file(
    data_elsewhere: Path,
) -> None:
    """What the next test refuses is there to be opened."""
    believing = {"enable_drefs": "1", "protocol_whitelist": "file"}
    with av.open(str(data_elsewhere), format="mov", options=believing) as file:
        assert len(list(file.decode(video=0))) == 5


@EACH_WORK
def test_d06_a_video_whose_data_is_in_another_file_opens_none(
    tmp_path: Path, data_elsewhere: Path, work: Callable[[Path, Path], object]
) -> None:
    failure = refused(work, data_elsewhere, tmp_path / "scratch")
    assert failure.what == "input_unreadable"


def test_d06_a_name_that_is_a_pattern_is_only_a_name(tmp_path: Path) -> None:
    for n, luma in enumerate((40, 200)):
        Clip(rate=Fraction(25)).write(tmp_path / f"{n}.mp4", [grey(flat(96, 64, luma))] * 3)
    source = (tmp_path / "0.mp4").rename(tmp_path / "%d.mp4")

    made = ingest(source, tmp_path / "scratch")

    assert made.result.frames == 3
    assert made.thumbnail.getpixel((48, 32))[0] < 60
