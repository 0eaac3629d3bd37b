"""Assets over HTTP: read, download, delete."""

import pytest

from tests.support.upload_desk import MP4, a_desk, code_of
from tests.support.uploads import UPLOAD_STORES


@pytest.fixture(params=UPLOAD_STORES)
async def desk(request, tmp_path):
    async with a_desk(request.param, tmp_path) as desk:
        yield desk


async def test_a_download_goes_on_to_a_url_that_keeps_the_name(desk):
    asset = await desk.an_asset()
    answer = await desk.ask("GET", f"/assets/{asset['asset_id']}/content")
    assert (answer.status_code, answer.headers["cache-control"]) == (307, "no-store")
    download = desk.objects.get(answer.headers["location"])
    assert (download.status, download.body) == (200, MP4)
    assert download.headers["content-disposition"] == 'attachment; filename="a.mp4"'


async def test_a_deleted_asset_is_gone_with_its_object(desk):
    asset = await desk.an_asset()
    path = f"/assets/{asset['asset_id']}"
    assert (await desk.ask("DELETE", path)).status_code == 204
    assert await desk.stored() == []
    for method, tail in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        assert code_of(await desk.ask(method, path + tail)) == (404, "asset_not_found")


async def test_completing_an_upload_whose_asset_was_deleted_is_404(desk):
    upload = await desk.promise()
    await desk.put(upload)
    asset = (await desk.complete(upload)).json()
    await desk.ask("DELETE", f"/assets/{asset['asset_id']}")
    assert code_of(await desk.complete(upload)) == (404, "asset_not_found")


async def test_an_asset_an_unfinished_job_reads_is_409_and_stays(desk):
    asset = await desk.an_asset()
    await desk.stores.job_reads(await desk.stores.assets.get("default", asset["asset_id"]))
    answer = await desk.ask("DELETE", f"/assets/{asset['asset_id']}")
    assert code_of(answer) == (409, "asset_in_use")
    assert await desk.stored() == [asset["key"]]


async def test_an_asset_deleted_while_the_store_is_down_is_swept_later(desk):
    asset = await desk.an_asset()
    desk.objects.available = False
    assert (await desk.ask("DELETE", f"/assets/{asset['asset_id']}")).status_code == 204
    desk.objects.available = True
    assert await desk.stored() == [asset["key"]]
    desk.clock.move(3600)
    await desk.sweep()
    assert await desk.stored() == []


async def test_what_is_put_under_a_deleted_assets_key_is_swept_once_its_url_is_dead(desk):
    upload = await desk.promise()
    await desk.put(upload)
    asset = (await desk.complete(upload)).json()
    await desk.ask("DELETE", f"/assets/{asset['asset_id']}")
    assert await desk.put(upload) == 200  # the key is free, and the URL lives
    await desk.sweep()
    assert await desk.stored() == [upload["key"]]
    desk.clock.move(3600)
    await desk.sweep()
    assert await desk.stored() == []


async def test_a_name_that_no_header_can_hold_is_kept_as_rfc_6266_says(desk):
    upload = await desk.promise(filename='Finale – "Zürich".mp4')
    await desk.put(upload)
    asset = (await desk.complete(upload)).json()
    answer = await desk.ask("GET", f"/assets/{asset['asset_id']}/content")
    named = desk.objects.get(answer.headers["location"]).headers["content-disposition"]
    assert "filename*=UTF-8''Finale%20%E2%80%93%20" in named
    assert named.isascii()
