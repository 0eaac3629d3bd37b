"""The client's jobs against the real gateway: made, listed, followed, ended, made again."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from client import Asset, Conflict, Cutroom, DryRun, Invalid, Job, NotFound
from tests.support.real_v1 import API_KEY, RealV1, real_v1, sparse_mp4


@dataclass(frozen=True, slots=True)
class Desk:
    """A client of the real gateway and an asset to work on."""

    real: RealV1
    client: Cutroom
    asset: Asset

    def submit(self, **more: Any) -> Job:
        return self.client.submit("export.framing", self.input(), **more)

    def input(self, **fields: Any) -> dict[str, Any]:
        source = {"asset_id": self.asset.asset_id}
        return {"source": source, "crop_keyframes": None, "end_time": 3} | fields

    def ids(self, **wanted: Any) -> list[str]:
        return [job.id for job in self.client.jobs(**wanted)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("real")
    with real_v1(folder) as real, Cutroom(real.base_url, API_KEY) as client:
        clip: Path = sparse_mp4(folder / "clip.mp4", 1000)
        yield Desk(real, client, client.upload(clip))


def test_a_dry_run_tells_the_price_and_makes_nothing(desk):
    before = desk.ids()
    told = desk.client.submit("export.framing", desk.input(), dry_run=True)
    assert isinstance(told, DryRun)
    assert told.outputs == ("video",)
    assert told.estimate.seconds > 0
    assert desk.ids() == before


def test_a_limit_of_its_cost_arrives_with_the_job_in_plain_digits(desk):
    limits = {"max_cost_usd": Decimal("1E-6"), "dry_run": True}
    told = desk.client.submit("export.framing", desk.input(), **limits)
    with pytest.raises(Invalid) as refused:
        desk.submit(max_cost_usd=Decimal(-1))
    assert (told.estimate.reserve_usd, told.warnings) == (0, ())  # nothing bills here
    assert [each.field for each in refused.value.fields] == ["max_cost_usd"]


def test_a_plan_is_previewed_over_its_pages_and_makes_nothing(desk):
    before = desk.ids()
    footage = {"width_px": 640, "height_px": 360, "rate": "25/1", "frames": 5000}
    look = {"crop_keyframes": [{"frame": 0, "x": 5, "y": 0, "width": 202.5, "height": 360}]}
    told = desk.client.preview_plan("export.framing", look, footage=footage)
    few = desk.client.preview_plan(
        "export.framing", look, footage=footage, frames=range(100, 200, 40)
    )
    assert [each.frame for each in told.frames] == [*range(5000)]
    assert told.frames[0].rect == (5, 0, 202.5, 360)
    assert [each.frame for each in few.frames] == [100, 140, 180]
    assert desk.ids() == before


def test_what_nobody_has_looked_at_needs_footage_to_be_previewed(desk):
    with pytest.raises(Conflict) as refused:
        desk.client.preview_plan("export.framing", desk.input())
    assert refused.value.code == "not_probed"


def test_one_key_makes_one_job(desk):
    first, second = (desk.submit(idempotency_key="one-key") for _ in range(2))
    assert first.id == second.id
    with pytest.raises(Conflict) as refused:
        desk.client.submit("export.framing", desk.input(end_time=2), idempotency_key="one-key")
    assert refused.value.code == "idempotency_conflict"


def test_a_job_is_waited_for_while_it_is_handed_in(desk):
    job = desk.submit(wait_s=0, deadline_s=60)
    assert job.status == "queued"
    assert job.deadline_at is not None
    assert (job.deadline_at - job.created_at).total_seconds() == 60


def test_a_list_is_read_over_its_pages_newest_first(desk):
    made = [desk.submit(labels={"batch": "pages"}).id for _ in range(103)]
    assert desk.ids(labels={"batch": "pages"}) == made[::-1]
    assert desk.ids(labels={"batch": "pages"}, limit=101) == made[:1:-1]
    assert desk.ids(labels={"batch": "pages"}, limit=2) == [made[-1], made[-2]]
    assert desk.ids(labels={"batch": "pages"}, limit=0) == []


def test_a_list_is_narrowed_by_all_that_is_said(desk):
    job = desk.submit(labels={"batch": "narrow", "take": "2"})
    ended = desk.client.cancel(desk.submit(labels={"batch": "narrow"}).id)
    assert desk.ids(labels={"batch": "narrow"}) == [ended.id, job.id]
    assert desk.ids(labels={"batch": "narrow", "take": "2"}) == [job.id]
    assert desk.ids(labels={"batch": "narrow"}, status="cancelled") == [ended.id]
    assert desk.ids(labels={"batch": "narrow"}, kind="export.overlay") == []
    assert desk.ids(labels={"batch": "narrow"}, parent_id="nobody") == []


def test_a_filter_that_is_none_is_refused_by_its_name(desk):
    with pytest.raises(Invalid) as refused:
        desk.ids(status="sleeping")
    assert [each.field for each in refused.value.fields] == ["status"]


def test_a_cancelled_job_is_followed_to_its_end_and_made_again(desk):
    job = desk.submit(labels={"batch": "again"})
    desk.client.cancel(job.id)
    assert desk.client.cancel(job.id).status == "cancelled"
    assert [event.type for event in desk.client.events(job.id)] == ["queued", "cancelled"]
    again = desk.client.retry(job.id, idempotency_key="again")
    assert desk.client.retry(job.id, idempotency_key="again").id == again.id
    assert (again.retry_of, again.labels) == (job.id, {"batch": "again"})


def test_a_job_that_waits_is_neither_retried_nor_deleted(desk):
    job = desk.submit()
    with pytest.raises(Conflict) as refused:
        desk.client.retry(job.id)
    assert refused.value.code == "not_retryable"
    with pytest.raises(Conflict) as refused:
        desk.client.delete(job.id)
    assert refused.value.code == "still_running"


def test_a_deleted_job_is_gone(desk):
    job = desk.submit(labels={"batch": "gone"})
    desk.client.cancel(job.id)
    desk.client.delete(job.id)
    with pytest.raises(NotFound):
        desk.client.job(job.id)
    assert desk.ids(labels={"batch": "gone"}) == []


def test_an_asset_is_kept_while_a_job_reads_it(desk):
    desk.submit()
    with pytest.raises(Conflict) as refused:
        desk.client.delete_asset(desk.asset.asset_id)
    assert refused.value.code == "asset_in_use"


def test_a_ticket_opens_its_jobs_events_and_is_not_shown(desk):
    job = desk.submit()
    ticket = desk.client.ticket(job.id)
    answer = httpx.get(f"{desk.real.base_url}{ticket.events_url}")
    assert [each["type"] for each in answer.json()["events"]] == ["queued"]
    assert ticket.ticket not in repr(ticket)
