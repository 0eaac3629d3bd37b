"""I4: success is announced only after every output is in the bucket as stated, and once."""

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from gateway.ports.job_store import Change, Committed
from gateway.wiring_ports import Ports
from infra.local.object_store import Wrong
from tests.support.audit import rows_in_tables
from tests.support.house import DATABASE, House, HttpWorker, a_house, an_output
from tests.support.world import COPY, VIDEO
from tests.support.wrong_ports import Credulous, InTheWay, with_objects

PAIR = replace(COPY, outputs={"video": "video/mp4", "picture": "image/png"})
BOTH = {"offered": {PAIR.name: PAIR}}


def a_picture(body: bytes = VIDEO) -> dict[str, Any]:
    return {**an_output("picture", body), "content_type": "image/png"}


async def a_claimed(house: House) -> HttpWorker:
    worker = await house.dispatched()
    await worker.claim()
    return worker


class Witness(InTheWay):
    """Looks into the bucket just before a success is written; notes sizes, stated and true."""

    def __init__(self, jobs: Any, bucket: Any, seen: list[tuple[int, int | None]]) -> None:
        super().__init__(jobs)
        self._bucket, self._seen = bucket, seen

    async def commit(self, change: Change) -> Committed:
        for output in change.after.outputs:
            held = await self._bucket.head(output.key)
            self._seen.append((output.size_bytes, held.size_bytes if held else None))
        done: Committed = await self._port.commit(change)
        return done


async def test_i04_in_the_moment_of_the_announcement_every_output_is_there(tmp_path):
    seen: list[tuple[int, int | None]] = []

    def watched(has: Ports) -> Ports:
        return replace(has, jobs=Witness(has.jobs, has.objects, seen))

    async with a_house(tmp_path, broken=watched, **BOTH) as house:
        worker = await a_claimed(house)
        picture, video = a_picture(), an_output()
        puts = (await worker.outputs([picture, video])).json()["puts"]
        for put in puts:
            await house.objects.put(put["url"], VIDEO, put["headers"])
        await worker.final(outputs=[picture, video])
        job = await house.job(worker.job_id)
    assert seen == [(len(VIDEO), len(VIDEO))] * 2
    assert job["status"] == "succeeded"
    assert {each["key"] for each in job["outputs"]} == {put["key"] for put in puts}


WRONG_WORDS: dict[str, Any] = {
    "one is missing": lambda video, picture: [video],
    "none": lambda video, picture: [],
    "one twice": lambda video, picture: [video, video],
    "one that nobody asked for": lambda video, picture: [video, picture],
    "another size": lambda video, picture: [{**video, "size_bytes": 1}],
    "another hash": lambda video, picture: [{**video, "sha256": "0" * 64}],
    "another type": lambda video, picture: [{**video, "content_type": "image/png"}],
    "another name": lambda video, picture: [{**video, "name": "picture"}],
}


@pytest.mark.parametrize("wrong", WRONG_WORDS)
async def test_i04_what_was_not_put_as_stated_is_no_success(tmp_path, wrong):
    async with a_house(tmp_path, **BOTH) as house:
        worker = await a_claimed(house)
        video = await worker.put()
        await worker.final(outputs=WRONG_WORDS[wrong](video, a_picture()))
        assert "succeeded" not in await house.types(worker.job_id)
        house.add_up()


async def put_and_gone(house: House, worker: HttpWorker) -> list[Any]:
    outputs = [await worker.put()]
    await house.objects.delete((await house.objects.list_keys("output/", None, 10))[0])
    return outputs


async def never_put(_: House, worker: HttpWorker) -> list[Any]:
    await worker.outputs([an_output()])
    return [an_output()]


async def another_size_at_the_store(house: House, worker: HttpWorker) -> list[Any]:
    outputs = [await worker.put()]
    [key] = await house.objects.list_keys("output/", None, 10)
    signed = house.objects.signer.sign_put(key, expires_s=60, content_type="video/mp4")
    await house.objects.put(signed.url, b"more than it was", signed.headers)
    return outputs


MISSING = {each.__name__: each for each in (put_and_gone, never_put, another_size_at_the_store)}


@pytest.mark.parametrize("missing", MISSING)
async def test_i04_what_the_bucket_does_not_hold_is_no_success_though_it_is_said(
    house, missing
):
    worker = await a_claimed(house)
    outputs = await MISSING[missing](house, worker)
    await worker.leave_manifest(outputs)
    await worker.final(outputs=outputs)
    job, types = await house.job(worker.job_id), await house.types(worker.job_id)
    assert (job["status"], "succeeded" in types) == ("queued", False)


async def test_i04_a_manifest_is_believed_no_more_than_a_report(house):
    worker = await a_claimed(house)
    await worker.leave_manifest(await put_and_gone(house, worker))
    await house.pass_time(65)
    assert "succeeded" not in await house.types(worker.job_id)


async def test_i04_while_the_store_cannot_be_asked_nothing_is_decided(house):
    worker = await a_claimed(house)
    outputs = [await worker.put()]
    house.objects.faults.add(Wrong.UNAVAILABLE, times=1, method="HEAD")
    refused = await worker.final(outputs=outputs)
    assert (refused.status_code, (await house.types(worker.job_id))[-1]) == (503, "started")
    again = await worker.final(1, report_no=worker.report_no, outputs=outputs)
    assert again.json()["cancel"] is False
    assert (await house.types(worker.job_id))[-1] == "succeeded"


async def test_i04_a_success_is_announced_once_however_often_and_wherever_it_is_said(house):
    worker = await a_claimed(house)
    outputs = [await worker.put()]
    await worker.leave_manifest(outputs)
    number = worker.report_no + 1
    house.clock.move(3600)  # the deadline too: its manifest is read before it is expired
    await asyncio.gather(
        *(worker.final(n % 2, report_no=number, outputs=outputs) for n in range(6)),
        *(door.gateway.tick() for door in house.doors),
    )
    assert (await house.types(worker.job_id)).count("succeeded") == 1


async def test_i04_the_bytes_of_a_success_are_those_that_were_hashed(house):
    worker = await a_claimed(house)
    await worker.finish()
    [output] = (await house.job(worker.job_id))["outputs"]
    body = (await house.objects.get(output["url"])).content
    assert hashlib.sha256(body).hexdigest() == output["sha256"]


async def test_i04_d21_reading_a_success_publishes_nothing_asks_nobody_and_writes_nothing(
    house,
):
    worker = await a_claimed(house)
    await worker.finish()
    await house.doors[0].gateway.perform()
    calls = (len(house.compute.status_calls), len(house.compute.submit_calls))
    before = (
        await house.objects.list_keys("", None, 10),
        rows_in_tables(house.folder / DATABASE),
    )
    row = house.row(worker.job_id)
    polls = [http.get(f"/v1/jobs/{worker.job_id}") for http in house.http * 10]
    shown = [each.json()["outputs"][0]["key"] for each in await asyncio.gather(*polls)]
    after = (
        await house.objects.list_keys("", None, 10),
        rows_in_tables(house.folder / DATABASE),
    )
    assert len(set(shown)) == 1
    assert (after, house.row(worker.job_id)) == (before, row)
    assert (len(house.compute.status_calls), len(house.compute.submit_calls)) == calls


async def test_i04_a_bucket_that_is_believed_unseen_is_found_out(tmp_path):
    async with a_house(tmp_path, broken=with_objects(Credulous)) as house:
        worker = await a_claimed(house)
        await worker.final(outputs=await never_put(house, worker))
        [output] = (await house.job(worker.job_id))["outputs"]
        assert (await house.objects.get(output["url"])).status_code == 404
