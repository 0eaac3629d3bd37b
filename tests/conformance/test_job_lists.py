"""What every JobLists promises."""

from datetime import timedelta

from gateway.core import effects
from gateway.core.happenings import CancelAsked
from gateway.core.job import Status
from gateway.core.job_pages import JobFilter, Place
from gateway.core.lifecycle import decide
from gateway.ports.job_lists import PAGE_INPUT_BYTES
from gateway.ports.job_store import Change, NewJob
from tests.support.jobs import NOON, a_job

ALL = JobFilter()


async def create(stores, job_id, *, at_s=0, **fields):
    job = a_job(job_id, created_at=NOON + timedelta(seconds=at_s), **fields)
    await stores.jobs.create(NewJob(f"job:{job_id}", job, (), None, 1000))
    return job


async def cancel(stores, job):
    decision = decide(job, CancelAsked(), NOON)
    change = Change(f"c:{job.id}", job, decision.job, decision.events, decision.effects, NOON)
    await stores.jobs.commit(change)


async def listed(stores, wanted=ALL, *, limit=3, tenant="default"):
    """The ids on each page, until there is none left."""
    pages, after = [], None
    for _ in range(20):
        page = await stores.job_lists.page(tenant, wanted, after, limit)
        pages.append([job.id for job in page.jobs])
        after = page.last
        if after is None:
            return pages
    raise AssertionError("the pages have no end")


async def test_a_page_is_newest_first_and_the_next_goes_on_where_it_ended(stores):
    for n in (3, 0, 6, 4, 1, 5, 2):
        await create(stores, f"j{n}", at_s=n)
    assert await listed(stores) == [["j6", "j5", "j4"], ["j3", "j2", "j1"], ["j0"]]


async def test_a_last_page_that_is_full_has_none_after_it(stores):
    for n in range(3):
        await create(stores, f"j{n}", at_s=n)
    assert await listed(stores) == [["j2", "j1", "j0"]]


async def test_no_jobs_are_one_empty_page(stores):
    assert await listed(stores) == [[]]


async def test_jobs_of_one_instant_are_in_order_of_id_and_none_is_skipped(stores):
    for n in range(7):
        await create(stores, f"j{n}")
    assert await listed(stores) == [["j6", "j5", "j4"], ["j3", "j2", "j1"], ["j0"]]


async def test_an_old_id_on_a_new_job_comes_first(stores):
    await create(stores, "z-new-id", at_s=0)
    await create(stores, "a-old-id", at_s=1)
    assert await listed(stores) == [["a-old-id", "z-new-id"]]


async def test_a_job_made_meanwhile_moves_nothing_on_later_pages(stores):
    for n in range(4):
        await create(stores, f"j{n}", at_s=n)
    first = await stores.job_lists.page("default", ALL, None, 2)
    await create(stores, "j9", at_s=9)
    second = await stores.job_lists.page("default", ALL, first.last, 2)
    assert [job.id for job in first.jobs + second.jobs] == ["j3", "j2", "j1", "j0"]


async def test_another_tenants_jobs_are_on_no_page(stores):
    await create(stores, "mine")
    await create(stores, "theirs", tenant="other", labels={"a": "b"}, parent_id="p")
    assert await listed(stores) == [["mine"]]
    assert await listed(stores, JobFilter(labels={"a": "b"})) == [[]]
    assert await listed(stores, JobFilter(parent_id="p")) == [[]]
    assert await listed(stores, JobFilter(parent_id="p"), tenant="other") == [["theirs"]]


async def test_what_is_asked_for_must_hold_together(stores):
    labels = {"clip": "7", "project": "1"}
    cases = {
        "all": {"kind": "k.a", "parent_id": "p", "labels": labels},
        "other_kind": {"kind": "k.b", "parent_id": "p", "labels": labels},
        "other_parent": {"kind": "k.a", "parent_id": "q", "labels": labels},
        "other_label": {"kind": "k.a", "parent_id": "p", "labels": {**labels, "clip": "8"}},
        "no_label": {"kind": "k.a", "parent_id": "p", "labels": {}},
        "ended": {"kind": "k.a", "parent_id": "p", "labels": labels},
    }
    jobs = {name: await create(stores, name, **fields) for name, fields in cases.items()}
    await cancel(stores, jobs["ended"])
    queued = Status.QUEUED
    every = await listed(stores, JobFilter(queued, "k.a", "p", labels), limit=9)
    assert every == [["all"]]
    by = {
        "status": JobFilter(status=Status.CANCELLED),
        "kind": JobFilter(kind="k.b"),
        "parent": JobFilter(parent_id="q"),
        "one label": JobFilter(labels={"clip": "8"}),
        "two labels": JobFilter(labels=labels),
        "a label and a status": JobFilter(status=Status.CANCELLED, labels=labels),
        "a status and a kind": JobFilter(queued, "k.b"),
    }
    found = {
        name: sorted((await listed(stores, wanted, limit=9))[0]) for name, wanted in by.items()
    }
    assert found == {
        "status": ["ended"],
        "kind": ["other_kind"],
        "parent": ["other_parent"],
        "one label": ["other_label"],
        "two labels": ["all", "ended", "other_kind", "other_parent"],
        "a label and a status": ["ended"],
        "a status and a kind": ["other_kind"],
    }


async def test_pages_by_label_go_on_where_they_ended(stores):
    for n in range(5):
        await create(stores, f"j{n}", at_s=n % 2, labels={"a": "b", "c": "d", "n": str(n)})
    wanted = JobFilter(labels={"c": "d", "a": "b"})
    assert await listed(stores, wanted, limit=2) == [["j3", "j1"], ["j4", "j2"], ["j0"]]


async def test_a_job_may_have_as_many_labels_as_a_setting_allows(stores):
    labels = {f"name{n}": "v" for n in range(100)}
    await create(stores, "j1", labels=labels)
    assert await listed(stores, JobFilter(labels=labels)) == [["j1"]]


async def test_a_page_ends_once_its_inputs_pass_the_bound_and_the_next_goes_on(stores):
    third = {"text": "x" * (PAGE_INPUT_BYTES // 3)}
    for n in range(5):
        await create(stores, f"j{n}", at_s=n, input=third)
    assert await listed(stores, limit=5) == [["j4", "j3", "j2"], ["j1", "j0"]]


async def test_one_input_beyond_the_bound_is_a_page_of_its_own(stores):
    await create(stores, "small")
    await create(stores, "large", at_s=1, input={"text": "x" * PAGE_INPUT_BYTES})
    assert await listed(stores) == [["large"], ["small"]]


async def test_a_deleted_job_is_on_no_page_and_the_others_keep_their_places(stores):
    jobs = [
        await create(stores, f"j{n}", at_s=n, labels={"a": "b"}, parent_id="p")
        for n in range(4)
    ]
    await cancel(stores, jobs[2])
    erase = effects.erase(jobs[2], at=NOON)
    await stores.job_removal.delete("default", "j2", NOON, erase)
    for wanted in (ALL, JobFilter(labels={"a": "b"}), JobFilter(parent_id="p")):
        assert await listed(stores, wanted, limit=2) == [["j3", "j1"], ["j0"]]
    after = Place(jobs[2].created_at, "j2")
    page = await stores.job_lists.page("default", ALL, after, 9)
    assert [job.id for job in page.jobs] == ["j1", "j0"]
