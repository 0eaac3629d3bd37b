"""R2's own lifecycle behind the gateway's sweeps: what it takes, and what it never may."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from gateway.adapters.memory.objects import MemoryObjectStore
from gateway.core.bucket_lifecycle import bucket_lifecycle
from gateway.core.object_keys import attempt_key, upload_key
from gateway.core.surfaces import Surface
from gateway.settings.groups import Timings
from infra.local.object_store.lifecycle import LifecycleRule, Swept, rules_in, sweep
from infra.local.object_store.multipart import Multiparts
from infra.local.object_store.objects import Bucket
from infra.local.object_store.sealed import Record
from tests.support.jobs import NOON, STORES
from tests.support.removal import finished
from tests.support.upload_desk import MP4
from tests.support.world import a_world, calling

SHIPPED = Path(__file__).parents[2] / "infra/r2/lifecycle.json"
DAY_S = 86_400
DAYS_KEPT = 2
ONE_YEAR = 365


def document(outputs_days=None, multipart_s=DAY_S):
    kept = None if outputs_days is None else timedelta(days=outputs_days)
    return bucket_lifecycle(multipart_life=timedelta(seconds=multipart_s), outputs_kept=kept)


class Mirrored(MemoryObjectStore):
    """The bucket in memory, with each object on disk too, where the lifecycle rules are.

    What the gateway deletes it deletes here alone: the disk shows what a bucket would hold
    whose gateway sweeps nothing.
    """

    def __init__(self, signer, disk, clock):
        super().__init__(signer)
        self.disk, self.clock = disk, clock

    @override
    def put(self, url, body, headers):
        answer = super().put(url, body, headers)
        for key in self.keys() - {record.key for record in self.disk.records()}:
            store(self.disk, key, self.clock.now())
        return answer

    def keys(self):
        return set(self._objects)


def store(disk, key, at):
    draft = disk.draft()
    draft.file.write(b"x")
    disk.publish(draft, Record(key, 1, "e", at, {}, {}))
    draft.discard()


@pytest.fixture
def disk(tmp_path):
    return Bucket(tmp_path / "bucket")


def held(disk):
    return {record.key for record in disk.records()}


def test_the_shipped_file_is_what_the_settings_say_if_nothing_is_set():
    shipped = json.loads(SHIPPED.read_text())
    assert shipped == document(multipart_s=Timings().multipart_url_s)


def test_each_rule_is_an_age_under_a_prefix_of_the_layout():
    rules = rules_in(document(outputs_days=30))
    output = attempt_key(Surface.V1, "k.a", "j1", 1, "video", "video/mp4")
    upload = upload_key("acme", "u1", "video/mp4")
    assert rules == [
        LifecycleRule("", None, 3 * DAY_S),
        LifecycleRule("output/", (30 + 15) * DAY_S, None),
    ]
    assert output.startswith("output/")
    assert not upload.startswith("output/")


def test_a_rule_that_is_not_enabled_takes_nothing_and_one_by_date_is_refused():
    rule = document(outputs_days=1)["rules"][1]
    dated = {"condition": {"type": "Date", "date": "2026-11-21T00:00:00Z"}}
    assert rules_in({"rules": [{**rule, "enabled": False}]}) == []
    with pytest.raises(ValueError, match="Date"):
        rules_in({"rules": [{**rule, "deleteObjectsTransition": dated}]})


def test_uploads_in_parts_that_nobody_joined_go_after_their_urls_and_no_object_does(disk):
    rules = rules_in(json.loads(SHIPPED.read_text()))
    parts = Multiparts(disk)
    left = parts.begin("acme/uploads/u1.mp4", {}, NOON)
    going_on = parts.begin("acme/uploads/u2.mp4", {}, NOON + timedelta(days=2))
    store(disk, "acme/uploads/u0.mp4", NOON - timedelta(days=ONE_YEAR))
    store(disk, "output/j/1/video.mp4", NOON - timedelta(days=ONE_YEAR))
    early = sweep(disk, rules, NOON + timedelta(days=3, seconds=-1))
    late = sweep(disk, rules, NOON + timedelta(days=3))
    assert (early, late) == (Swept(0, 0), Swept(0, 1))
    assert [name for name, _ in parts.begun()] == [going_on]
    assert going_on != left
    assert held(disk) == {"acme/uploads/u0.mp4", "output/j/1/video.mp4"}


async def test_d141_whatever_a_live_job_needs_is_left_by_the_rules_at_any_time(disk, tmp_path):
    """Each half day of a job's longest life, where outputs are kept for two days."""
    kept = {"retention": {"outputs_days": DAYS_KEPT, "assets_days": DAYS_KEPT}}
    rules = rules_in(document(outputs_days=DAYS_KEPT))
    async with a_world(STORES["sqlite"], tmp_path, **kept) as world:
        objects = Mirrored(world.signer, disk, world.clock)
        world.objects = objects
        world.gateway = world.boot()
        async with calling(world, await world.a_key()) as http:
            said = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": len(MP4)}
            upload = (await http.post("/v1/uploads", json=said)).json()
            objects.put(upload["url"], MP4, upload["headers"])
            done = await http.post(f"/v1/uploads/{upload['upload_id']}/complete", json={})
        source = {"asset_id": done.json()["asset_id"]}
        late = {"deadline_s": 7 * DAY_S}
        made, _ = await finished(world)
        world.clock.move(DAYS_KEPT * DAY_S - 60)
        await world.gateway.tick()
        reads_asset = await world.submit(input={"n": 1, "source": source}, **late)
        output = {"job_id": made, "output": "video"}
        reads_output = await world.submit(input={"n": 2, "source": output}, **late)
        lost = set()
        for _ in range(14):
            world.clock.move(DAY_S / 2 - 60)
            await world.gateway.tick()
            sweep(disk, rules, world.clock.now())
            jobs = [await world.job(each) for each in (reads_asset, reads_output)]
            needed = {file.key for job in jobs for file in job.files if not job.is_final}
            lost |= needed - held(disk)
        open_still = [not job.is_final for job in jobs]
        world.clock.move(30 * DAY_S)
        swept = sweep(disk, rules, world.clock.now())
    assert open_still == [True, True]
    assert lost == set()
    assert swept.objects > 0
    assert held(disk) == {upload["key"]}
