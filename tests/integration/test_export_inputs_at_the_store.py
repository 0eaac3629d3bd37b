"""What the store itself refuses of an input's URL, over HTTP (D135)."""

import pytest

from shared.errors import Conflict, TooLarge
from tests.support.export_inputs import promise, put
from tests.support.upload_desk import EXPORT_LARGEST, MP4, a_served_desk


@pytest.fixture
async def desk(tmp_path):
    async with a_served_desk(tmp_path) as desk:
        yield desk


async def test_d135_a_second_put_is_refused_by_the_store_and_the_first_is_taken(desk):
    upload, signed = await promise(desk)
    assert await put(desk, signed) == 200
    assert await put(desk, signed, MP4[:-1] + b"x") == 412
    asset = await desk.exports.take("default", upload.key)
    assert await desk.objects.read_range(asset.key, 0, 2000) == MP4


async def test_d135_another_length_type_or_condition_is_refused_by_the_store(desk):
    _, signed = await promise(desk)
    assert await put(desk, signed, MP4 + b"x", **{"content-length": "1001"}) == 403
    assert await put(desk, signed, **{"content-type": "text/html"}) == 403
    assert await put(desk, signed, **{"if-none-match": "x"}) == 403
    assert await desk.stored() == []


async def test_d135_without_a_size_the_store_takes_more_and_taking_it_removes_it(desk):
    upload, signed = await promise(desk, size_bytes=None)
    assert await put(desk, signed, MP4 + bytes(EXPORT_LARGEST)) == 200
    with pytest.raises(TooLarge, match="bytes were put"):
        await desk.exports.take("default", upload.key)
    assert await desk.stored() == []


async def test_d135_a_url_is_dead_after_fifteen_minutes_and_a_fresh_one_works(desk):
    upload, early = await promise(desk)
    desk.clock.move(900)
    assert await put(desk, early) == 403
    desk.clock.move(-600)  # the store bears with no greater difference of clocks
    _, fresh = await promise(desk, job_id=upload.upload_id, size_bytes=None)
    assert await put(desk, fresh) == 200
    with pytest.raises(Conflict, match="is filled"):
        await promise(desk, job_id=upload.upload_id)
    assert (await desk.exports.take("default", upload.key)).size_bytes == len(MP4)
