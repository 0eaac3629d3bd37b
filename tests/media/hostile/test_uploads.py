"""Every hostile file at every route that takes uploads: type is told from the bytes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.errors import UnsupportedMediaType
from tests.media.hostile.catalogue import ENTRIES
from tests.media.hostile.entry import MOV, MP4, Ground
from tests.support.upload_desk import EXPORT_LARGEST, Desk, a_desk, code_of


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk("memory", tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def contents(ground: Ground) -> dict[str, bytes]:
    return {entry.name: entry.content(ground) for entry in ENTRIES}


async def test_d102_each_upload_route_refuses_what_is_not_what_it_is_called(
    desk: Desk, contents: dict[str, bytes]
) -> None:
    said = {
        each.name: await _uploaded(desk, each.called, contents[each.name]) for each in ENTRIES
    }

    assert said == {entry.name: entry.refused_as or "taken" for entry in ENTRIES}


async def _uploaded(desk: Desk, called: str, content: bytes) -> str:
    upload = await desk.promise(content, called)
    assert await desk.put(upload, content) == 200
    answer = await desk.complete(upload)
    return "taken" if answer.status_code == 200 else code_of(answer)[1]


async def test_d102_the_exports_product_refuses_the_same(
    desk: Desk, contents: dict[str, bytes]
) -> None:
    videos = [entry for entry in ENTRIES if entry.called in (MP4, MOV)]
    small = [entry for entry in videos if len(contents[entry.name]) < EXPORT_LARGEST]

    said = {each.name: await _input(desk, each.called, contents[each.name]) for each in small}

    assert len(small) > 40
    assert said == {entry.name: entry.refused_as or "taken" for entry in small}


async def _input(desk: Desk, called: str, content: bytes) -> str:
    upload, signed = await desk.exports.promise(
        "default",
        filename="x.mp4",
        content_type=called,
        size_bytes=len(content),
        job_id=None,
    )
    await desk.bucket.put(signed.url, content, dict(signed.headers))
    try:
        await desk.exports.take("default", upload.key)
    except UnsupportedMediaType as error:
        return error.what
    return "taken"
