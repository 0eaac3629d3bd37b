"""The client's uploads against the real gateway and store, which do not always work."""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from client import ApiProblem, Asset, Conflict, Cutroom, NotFound, TransferFailed, Unreachable
from infra.local.object_store import Wrong
from tests.support.programs import REPOSITORY
from tests.support.real_v1 import API_KEY, PART_BYTES, RealV1, real_v1, sparse_mp4

SIZE_BYTES = 3 * PART_BYTES + 1000
PARTS = [1, 2, 3, 4]
PART_URL_LIFE_S = 24 * 3600


class Stopped(Exception):
    """Raised by the one who watches the progress."""


@dataclass
class Desk:
    """A client of the real gateway, what its progress was and how often it waited."""

    real: RealV1
    clip: Path
    waited_s: list[float] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    on_wait: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.client = Cutroom(self.real.base_url, API_KEY, sleep=self._wait, spread=lambda: 0.0)

    def _wait(self, pause_s: float) -> None:
        self.waited_s.append(pause_s)
        self.on_wait()

    def note(self, done: int, _total: int) -> None:
        self.told.append(done)

    def upload(self, on_progress: Any = None, **more: Any) -> Asset:
        given = {"multipart_from_bytes": 1, "on_begun": self.begun.append} | more
        return self.client.upload(self.clip, on_progress or self.note, **given)

    def stop_at(self, stop_bytes: int) -> Callable[[int, int], None]:
        def stop(done: int, _total: int) -> None:
            if done >= stop_bytes:
                raise Stopped

        return stop

    def is_whole(self, asset: Asset, folder: Path) -> bool:
        got = self.client.download(asset, folder / "got" / "it.mp4")
        return got.read_bytes() == self.clip.read_bytes()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealV1]:
    with real_v1(tmp_path_factory.mktemp("real")) as gateway:
        yield gateway


@pytest.fixture
def desk(real: RealV1, tmp_path: Path) -> Iterator[Desk]:
    real.store.faults.clear()
    real.signed_parts.clear()
    desk = Desk(real, sparse_mp4(tmp_path / "clip.mp4", SIZE_BYTES))
    with desk.client:
        yield desk
    real.store.faults.clear()
    real.store.clock.set_right()


def test_a_small_file_goes_in_one_put_and_keeps_its_hash(desk, tmp_path):
    asset = desk.upload(multipart_from_bytes=SIZE_BYTES + 1)
    assert asset.sha256 is not None
    assert desk.real.signed_parts == []
    assert desk.is_whole(asset, tmp_path)


def test_a_large_file_goes_in_parts_and_comes_back_whole(desk, tmp_path):
    with desk.clip.open("r+b") as file:
        for part in range(3):
            file.seek((part + 1) * PART_BYTES - 3)
            file.write(b"part %d ends" % part)
    asset = desk.upload()
    assert asset.size_bytes == SIZE_BYTES
    assert sorted(desk.real.signed_parts) == PARTS
    assert desk.is_whole(asset, tmp_path)
    assert (desk.told[0], desk.told[-1]) == (0, SIZE_BYTES)


def test_the_whole_is_told_also_to_one_who_looks_away(desk):
    desk.upload()
    assert max(desk.told) == SIZE_BYTES
    assert desk.told == sorted(desk.told)


def test_parts_are_in_memory_piece_by_piece(desk, tmp_path):
    desk.clip = sparse_mp4(tmp_path / "long.mp4", 12 * PART_BYTES)
    tracemalloc.start()
    try:
        desk.upload(workers=4)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Gateway and store are in this process and counted too; four workers, one part's worth.
    assert peak_bytes < 2 * PART_BYTES


@pytest.mark.parametrize("times", [1, 3])
def test_a_store_that_is_unavailable_for_a_while_is_asked_again(desk, times):
    desk.real.store.faults.add(Wrong.UNAVAILABLE, method="PUT", times=times)
    assert desk.upload(workers=1).size_bytes == SIZE_BYTES
    assert desk.waited_s == [0.2, 0.4, 0.8][:times]
    assert desk.told[-1] == SIZE_BYTES


def test_a_part_that_never_gets_through_ends_the_upload_and_the_rest_can_follow(desk):
    desk.real.store.faults.add(Wrong.UNAVAILABLE, method="PUT", times=100)
    with pytest.raises(TransferFailed, match=r"part \d of clip.mp4 broke off: "):
        desk.upload()
    desk.real.store.faults.clear()
    assert desk.upload(resume=desk.begun[0]).size_bytes == SIZE_BYTES


def test_an_answer_that_breaks_off_costs_one_more_put(desk):
    desk.real.store.faults.add(Wrong.TRUNCATED, method="PUT")
    assert desk.upload(workers=1).size_bytes == SIZE_BYTES
    assert desk.waited_s == [0.2]


def test_a_slow_store_is_waited_for(desk):
    desk.real.store.faults.add(Wrong.SLOW, method="PUT", times=4, delay_s=0.05)
    assert desk.upload().size_bytes == SIZE_BYTES
    assert desk.waited_s == []


def test_one_put_to_a_store_that_is_unavailable_is_made_again(desk):
    desk.real.store.faults.add(Wrong.UNAVAILABLE, method="PUT", times=2)
    assert desk.upload(multipart_from_bytes=SIZE_BYTES + 1).size_bytes == SIZE_BYTES
    assert desk.waited_s == [0.2, 0.4]


def test_one_put_whose_answer_broke_off_is_not_made_again(desk):
    desk.real.store.faults.add(Wrong.TRUNCATED, method="PUT")
    assert desk.upload(multipart_from_bytes=SIZE_BYTES + 1).size_bytes == SIZE_BYTES
    assert desk.told.count(0) == 1


def test_what_a_killed_process_has_put_is_not_put_again(desk, tmp_path):
    child = [sys.executable, "-m", "tests.support.upload_child", desk.real.base_url]
    died = subprocess.run(
        [*child, API_KEY, str(desk.clip)],
        check=False,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=60,
    )
    assert died.returncode == -9, died.stderr
    desk.real.signed_parts.clear()
    asset = desk.upload(resume=died.stdout.strip())
    assert 0 < len(desk.real.signed_parts) < len(PARTS)
    assert desk.told[0] == SIZE_BYTES - _bytes_of(desk.real.signed_parts)
    assert desk.is_whole(asset, tmp_path)


def _bytes_of(parts: list[int]) -> int:
    return sum(PART_BYTES if part < len(PARTS) else 1000 for part in parts)


def test_whoever_watches_can_stop_it_and_go_on_later(desk):
    with pytest.raises(Stopped):
        desk.upload(desk.stop_at(2 * PART_BYTES), workers=1)
    asset = desk.upload(resume=desk.begun[0])
    assert desk.told[0] >= PART_BYTES
    assert desk.upload(resume=desk.begun[0]) == asset


def test_another_file_does_not_go_on_with_it(desk):
    with pytest.raises(Stopped):
        desk.upload(desk.stop_at(1))
    desk.clip = sparse_mp4(desk.clip, SIZE_BYTES - 1)
    with pytest.raises(TransferFailed, match="another length"):
        desk.upload(resume=desk.begun[0])


def test_an_upload_that_was_called_off_does_not_go_on(desk):
    with pytest.raises(Stopped):
        desk.upload(desk.stop_at(PART_BYTES + 1))
    desk.client.abort_upload(desk.begun[0])
    with pytest.raises(TransferFailed, match="was aborted"):
        desk.upload(resume=desk.begun[0])


def test_a_complete_upload_is_not_called_off(desk):
    desk.upload()
    with pytest.raises(Conflict) as refused:
        desk.client.abort_upload(desk.begun[0])
    assert refused.value.code == "already_complete"


def test_a_url_that_has_expired_is_signed_again(desk):
    def run_ahead(_: str) -> None:
        desk.real.store.clock.move(PART_URL_LIFE_S + 1)

    # The store's clock is past every URL's end, until the client first waits.
    desk.on_wait = desk.real.store.clock.set_right
    asset = desk.upload(workers=1, on_begun=run_ahead)
    assert asset.size_bytes == SIZE_BYTES
    assert desk.real.signed_parts == [*PARTS, *PARTS]
    assert desk.waited_s == [0.2]


def test_a_file_that_changes_while_it_is_sent_becomes_no_asset(desk):
    def change(done: int, _total: int) -> None:
        if done == SIZE_BYTES:
            sparse_mp4(desk.clip, SIZE_BYTES)

    with pytest.raises(TransferFailed, match="changed while it was sent"):
        desk.upload(change)


@pytest.mark.parametrize("multipart_from_bytes", [1, SIZE_BYTES + 1])
def test_a_file_that_becomes_shorter_while_it_is_sent_becomes_no_asset(
    desk, multipart_from_bytes
):
    def shorten(done: int, _total: int) -> None:
        if done:
            desk.clip.write_bytes(b"")

    with pytest.raises(TransferFailed, match="changed while it was sent"):
        desk.upload(shorten, multipart_from_bytes=multipart_from_bytes, workers=1)


def test_an_asset_is_read_fetched_and_deleted(desk, tmp_path):
    asset = desk.upload()
    assert desk.client.asset(asset.asset_id) == asset
    assert desk.is_whole(asset, tmp_path)
    desk.client.delete_asset(asset.asset_id)
    with pytest.raises(NotFound):
        desk.client.download(asset, tmp_path / "gone.mp4")
    assert not (tmp_path / "gone.mp4").exists()


def test_a_download_from_a_store_that_is_unavailable_is_begun_again(desk, tmp_path):
    asset = desk.upload()
    desk.real.store.faults.add(Wrong.UNAVAILABLE, method="GET")
    desk.real.store.faults.add(Wrong.TRUNCATED, method="GET", times=2)
    assert desk.is_whole(asset, tmp_path)
    assert desk.waited_s == [0.2, 0.4]


def test_a_type_that_is_not_taken_is_refused_before_a_byte_is_sent(desk, tmp_path):
    desk.clip = sparse_mp4(tmp_path / "clip.exe", SIZE_BYTES)
    with pytest.raises(ApiProblem) as refused:
        desk.upload()
    assert refused.value.code == "unsupported_media_type"
    assert refused.value.request_id
    assert desk.told == []


def test_a_gateway_that_is_not_there_is_unreachable(desk):
    with (
        Cutroom("http://127.0.0.1:1", API_KEY, sleep=desk.waited_s.append) as nobody,
        pytest.raises(Unreachable),
    ):
        nobody.upload(desk.clip)
    assert desk.waited_s == []
