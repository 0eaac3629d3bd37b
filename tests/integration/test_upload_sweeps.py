"""Uploads called off or abandoned: what was put goes, once nobody can put again."""

from io import BytesIO

import pytest

from tests.support.upload_desk import MP4, a_desk, code_of
from tests.support.uploads import UPLOAD_STORES


@pytest.fixture(params=UPLOAD_STORES)
async def desk(request, tmp_path):
    async with a_desk(request.param, tmp_path) as desk:
        yield desk


async def test_an_aborted_upload_is_gone_for_good(desk):
    upload = await desk.promise()
    await desk.put(upload)
    path = f"/uploads/{upload['upload_id']}"
    assert (await desk.ask("DELETE", path)).status_code == 204
    assert (await desk.ask("DELETE", path)).status_code == 204
    assert await desk.stored() == []
    assert (await desk.ask("GET", path)).json()["status"] == "aborted"
    assert code_of(await desk.complete(upload)) == (409, "upload_aborted")


async def test_a_complete_upload_is_not_aborted(desk):
    upload = await desk.promise()
    await desk.put(upload)
    await desk.complete(upload)
    answer = await desk.ask("DELETE", f"/uploads/{upload['upload_id']}")
    assert code_of(answer) == (409, "already_complete")
    assert await desk.stored() == [upload["key"]]


async def test_what_is_put_after_an_abort_is_swept_once_the_url_is_dead(desk):
    upload = await desk.promise()
    await desk.ask("DELETE", f"/uploads/{upload['upload_id']}")
    assert await desk.put(upload) == 200
    await desk.sweep()
    assert await desk.stored() == [upload["key"]]
    desk.clock.move(3600)
    await desk.sweep()
    assert await desk.stored() == []


async def test_a_put_that_began_in_time_and_lands_after_the_sweep_is_swept_too(desk):
    aborted, deleted = await desk.promise(), await desk.promise()
    await desk.ask("DELETE", f"/uploads/{aborted['upload_id']}")
    await desk.put(deleted)
    asset = (await desk.complete(deleted)).json()
    await desk.ask("DELETE", f"/assets/{asset['asset_id']}")
    desk.clock.move(3600)
    await desk.sweep()
    for upload in (aborted, deleted):
        landing = BytesIO(MP4)
        await desk.objects.put_file(
            upload["key"], landing, content_type="video/mp4", size_bytes=len(MP4)
        )
    await desk.sweep()
    early = await desk.stored()
    desk.clock.move(24 * 3600)
    await desk.sweep()
    assert early == sorted([aborted["key"], deleted["key"]])
    assert await desk.stored() == []
    assert await desk.stores.upload_sweep.to_sweep(desk.clock.now(), 10) == []


async def test_an_abandoned_upload_is_aborted_and_swept_a_day_after_it_expired(desk):
    upload = await desk.promise()
    await desk.put(upload)
    desk.clock.move(3600 + 24 * 3600 - 1)
    await desk.sweep()
    assert await desk.stored() == [upload["key"]]
    desk.clock.move(1)
    await desk.sweep()
    assert await desk.stored() == []
    assert code_of(await desk.complete(upload)) == (409, "upload_aborted")


async def test_a_sweep_that_was_interrupted_goes_on_and_then_rests(desk):
    upload = await desk.promise()
    await desk.ask("DELETE", f"/uploads/{upload['upload_id']}")
    await desk.put(upload)
    desk.clock.move(3600)
    desk.objects.available = False
    with pytest.raises(Exception, match="down"):
        await desk.sweep()
    desk.objects.available = True
    await desk.sweep()
    assert await desk.stored() == []
    assert await desk.stores.upload_sweep.to_sweep(desk.clock.now(), 10) == []
