"""Fetching against the fake store, over HTTP."""

import asyncio
import hashlib
from collections import deque
from dataclasses import dataclass

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from gpu_worker.transfers.fetching import FetchFiles
from shared.errors import JobFailed
from shared.work import InputFile
from tests.support.fake_gateway import FakeStore
from tests.support.serving import client_here, serving
from tests.support.worker_bench import QUICK

WRONG = ("truncated", "longer", "other", "unannounced_short", "unannounced_long", "503")
BODY = bytes(range(256)) * 9000  # more than two chunks


@dataclass
class Fetching:
    store: FakeStore
    fetch: FetchFiles
    base_url: str

    def file(self, key="in", **other):
        return InputFile.model_validate(self.store.file(key, key, self.base_url, **other))


@pytest.fixture
async def fetching():
    store = FakeStore({"in": BODY, "other": b"short"})
    app = Starlette(routes=[Mount("/store", store.app())])
    async with serving(app) as base_url, client_here() as client:
        yield Fetching(store, FetchFiles(client, QUICK, tries=3), base_url)


def unheard(_share):
    return


async def test_d108_files_arrive_whole_under_their_names_with_their_hashes(fetching, tmp_path):
    files = [fetching.file("in"), fetching.file("other")]

    fetched = await fetching.fetch(files, tmp_path, unheard)

    assert list(fetched) == ["in", "other"]
    assert fetched["in"].path.read_bytes() == BODY
    assert fetched["in"].sha256 == hashlib.sha256(BODY).hexdigest()
    assert fetched["other"].path.read_bytes() == b"short"


@pytest.mark.parametrize("fault", [*WRONG, "412", "429"])
async def test_d108_what_comes_wrong_once_is_fetched_again_from_its_start(
    fetching, tmp_path, fault
):
    fetching.store.faults["in"] = deque([fault])

    fetched = await fetching.fetch([fetching.file()], tmp_path, unheard)

    assert fetched["in"].path.read_bytes() == BODY
    assert fetched["in"].sha256 == hashlib.sha256(BODY).hexdigest()
    assert fetching.store.gets == ["in", "in"]


@pytest.mark.parametrize("fault", [*WRONG, "403"])
async def test_what_stays_wrong_is_a_storage_error_after_a_bounded_number_of_tries(
    fetching, tmp_path, fault
):
    fetching.store.faults["in"] = deque([fault] * 10)

    with pytest.raises(JobFailed) as failed:
        await fetching.fetch([fetching.file()], tmp_path, unheard)

    assert failed.value.what == "storage_error"
    assert fetching.store.gets == ["in"] * 3
    assert "Signature" not in str(failed.value)


async def test_d108_a_file_of_another_size_than_ordered_is_a_storage_error(fetching, tmp_path):
    with pytest.raises(JobFailed) as failed:
        await fetching.fetch([fetching.file(size_bytes=len(BODY) + 1)], tmp_path, unheard)
    assert failed.value.what == "storage_error"


async def test_a_file_that_is_not_there_is_missing_and_not_asked_for_again(fetching, tmp_path):
    gone = fetching.file()
    del fetching.store.objects["in"]

    with pytest.raises(JobFailed) as failed:
        await fetching.fetch([gone], tmp_path, unheard)

    assert failed.value.what == "input_missing"
    assert fetching.store.gets == ["in"]


async def test_an_etag_is_the_same_with_quotes_and_without(fetching, tmp_path):
    bare = fetching.store.etag("in").strip('"')
    fetched = await fetching.fetch([fetching.file(etag=bare)], tmp_path, unheard)
    assert fetched["in"].path.stat().st_size == len(BODY)


async def test_a_store_nobody_answers_for_is_a_storage_error(fetching, tmp_path):
    file = fetching.file(url="http://127.0.0.1:1/in?X-Amz-Signature=s")
    with pytest.raises(JobFailed) as failed:
        await fetching.fetch([file], tmp_path, unheard)
    assert failed.value.what == "storage_error"


async def test_a_disk_that_cannot_be_written_is_a_storage_error(fetching, tmp_path):
    with pytest.raises(JobFailed) as failed:
        await fetching.fetch([fetching.file()], tmp_path / "nowhere", unheard)
    assert failed.value.what == "storage_error"


async def test_the_share_that_has_arrived_ends_at_one(fetching, tmp_path):
    shares = []
    await fetching.fetch([fetching.file("in"), fetching.file("other")], tmp_path, shares.append)
    assert shares[-1] == 1.0
    assert all(0 < share <= 1 for share in shares)


async def test_one_file_that_fails_ends_the_fetching_of_the_others(fetching, tmp_path):
    gone = fetching.file("other")
    del fetching.store.objects["other"]
    fetching.store.faults["in"] = deque(["503"] * 1000)
    patient = FetchFiles(fetching.fetch.client, QUICK, tries=1000)

    async with asyncio.timeout(30):
        with pytest.raises(JobFailed) as failed:
            await patient([fetching.file("in"), gone], tmp_path, unheard)

    assert failed.value.what == "input_missing"
