"""Reading jobs costs what is read, however many there are (SQLite's own plans and counts)."""

import re
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.adapters.sql import job_lists, job_pruning, job_removal
from gateway.adapters.sql.attempts import SqlAttemptLog
from gateway.adapters.sql.rows import COLUMNS, cells, to_text
from gateway.adapters.sqlite.connections import open_reader, open_writer
from gateway.core import effects
from gateway.core.job import Status
from gateway.core.job_pages import JobFilter, Place
from tests.support.crowd import plan, steps
from tests.support.databases import new_database
from tests.support.jobs import NOON, a_job

MANY = 50_000
PAGE = 20
MIDDLE = Place(NOON + timedelta(seconds=25), "j-2000000")

# Of every ten jobs one failed, is of another kind, and has the parent and the labels.
RARE = {
    "status": "CASE n % 10 WHEN 0 THEN 'failed' ELSE 'succeeded' END",
    "kind": "CASE n % 10 WHEN 0 THEN 'k.rare' ELSE 'k.usual' END",
    "parent_id": "CASE n % 10 WHEN 0 THEN 'p' END",
}
FILTERS = {
    "all": JobFilter(),
    "status": JobFilter(status=Status.FAILED),
    "kind": JobFilter(kind="k.rare"),
    "status and kind": JobFilter(Status.FAILED, "k.rare"),
    "parent": JobFilter(parent_id="p"),
    "label": JobFilter(labels={"clip": "7"}),
    "labels": JobFilter(labels={"clip": "7", "project": "1"}),
    "everything": JobFilter(Status.FAILED, "k.rare", "p", {"clip": "7", "project": "1"}),
}
each_filter = pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS.keys())
INDEXES = {
    "all": "jobs_of_tenant",
    "status": "jobs_by_status",
    "kind": "jobs_by_kind",
    "status and kind": "jobs_by_status_and_kind",
    "parent": "jobs_of_parent",
    "label": "sqlite_autoindex_job_labels_1",
    "labels": "sqlite_autoindex_job_labels_1",
    "everything": "sqlite_autoindex_job_labels_1",
}


def filled(database, jobs):
    """Write `jobs` ended jobs of one tenant in a few statements; their ids are no clock."""
    new_database(database, NOON)
    job = replace(a_job(), status=Status.SUCCEEDED, waiting_for=None, finished_at=NOON)
    values = dict.fromkeys(COLUMNS, "?") | RARE
    values["id"] = "printf('j-%d', 2000000 - n)"
    values["created_at"] = values["finished_at"] = (
        "strftime('%Y-%m-%dT%H:%M:%S', '2026-11-21 12:00:00', (n / 1000) || ' seconds') "
        "|| printf('.%06dZ', n % 1000)"
    )
    params = cells(job, tuple(name for name in COLUMNS if values[name] == "?"))
    numbers = "WITH RECURSIVE ns (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM ns WHERE n < ?)"
    with closing(open_writer(database, synchronous="NORMAL")) as writer:
        writer.execute("BEGIN")
        writer.execute("INSERT INTO tenants (id, created_at) VALUES ('default', '2026')")
        columns = ", ".join(values[name] for name in COLUMNS)
        writer.execute(
            f"{numbers} INSERT INTO jobs ({', '.join(COLUMNS)}) SELECT {columns} FROM ns",  # noqa: S608 - our own names
            [jobs - 1, *params],
        )
        for name, value in (("clip", "7"), ("project", "1")):
            writer.execute(
                "INSERT INTO job_labels SELECT tenant, ?, ?, created_at, id FROM jobs "
                "WHERE parent_id = 'p'",
                (name, value),
            )
        writer.execute("COMMIT")
    return database


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("crowd") / "cutroom.db", MANY)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A page and one more, where so many are asked for and where it is one in ten."""
    folder = tmp_path_factory.mktemp("few")
    return {
        one_in: filled(folder / f"one-in-{one_in}.db", (PAGE + 1) * one_in)
        for one_in in (1, 10)
    }


@pytest.fixture
def reader(crowd):
    with closing(open_reader(crowd)) as connection:
        yield connection


class Asked:
    """An engine that keeps what it is asked, and knows nothing."""

    def __init__(self):
        self.statements = []

    async def fetch(self, sql, params=()):
        self.statements.append((sql, params))
        return []


@pytest.mark.parametrize("after", [None, MIDDLE], ids=["first", "later"])
@pytest.mark.parametrize("name", FILTERS)
def test_d36_a_page_is_a_range_of_one_index_in_its_order(reader, name, after):
    found = plan(reader, job_lists.keys("default", FILTERS[name], after, PAGE + 1))
    assert re.fullmatch(rf"SEARCH \w+ USING (COVERING )?INDEX {INDEXES[name]} \(.*", found[0])
    assert ("<(?,?)" in found[0].replace(" ", "")) == (after is not None)
    assert not [line for line in found if "TEMP B-TREE" in line or line.startswith("SCAN ")]


@pytest.mark.parametrize("after", [None, MIDDLE], ids=["first", "later"])
@each_filter
def test_d36_a_page_of_fifty_thousand_reads_as_many_rows_as_one_of_its_own_size(
    reader, few, wanted, after
):
    one_in = 1 if wanted == JobFilter() else 10
    statement = job_lists.keys("default", wanted, after, PAGE + 1)
    among_many, rows = steps(reader, statement)
    with closing(open_reader(few[one_in])) as small:
        among_few, few_rows = steps(small, job_lists.keys("default", wanted, None, PAGE + 1))
        one_less, _ = steps(small, job_lists.keys("default", wanted, None, PAGE))
    a_row = among_few - one_less
    assert len(rows) == len(few_rows) == PAGE + 1
    assert 0 < a_row < among_few / PAGE
    # A later page compares its place, a row at a time; it reads no row more.
    assert among_many - among_few < (2 if after is None else PAGE) * a_row


async def test_d36_the_jobs_of_a_page_and_their_costs_are_looked_up_by_id(reader):
    ids = [f"j-{2_000_000 - n}" for n in range(100)]
    assert plan(reader, job_lists.by_ids(ids)) == [
        "SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (id=?)"
    ]
    asked = Asked()
    await SqlAttemptLog(asked).costs_of(ids)
    [costs] = asked.statements
    assert plan(reader, costs) == [
        "SEARCH ledger USING INDEX sqlite_autoindex_ledger_1 (job_id=?)"
    ]


def test_what_is_to_be_pruned_is_a_range_of_an_index(reader):
    events = plan(reader, job_pruning.jobs_to_prune(NOON, 100))
    keys = plan(reader, job_pruning.keys_to_prune(NOON, 100))
    assert events == ["SEARCH jobs USING INDEX jobs_to_prune (finished_at>? AND finished_at<?)"]
    assert keys[0] == ("SEARCH k USING INDEX idempotency_keys_by_time (created_at<?)")
    assert not [line for line in keys if "TEMP B-TREE" in line or line.startswith("SCAN ")]


def test_pruned_jobs_are_not_looked_at_again(crowd):
    with closing(open_writer(crowd, synchronous="NORMAL")) as writer:
        writer.execute("BEGIN")
        writer.execute(
            "UPDATE jobs SET events_pruned = 1 WHERE created_at > ?", (to_text(NOON),)
        )
        old, _ = steps(writer, job_pruning.jobs_to_prune(NOON + timedelta(days=1), 100))
        writer.execute("ROLLBACK")
    assert old < 200


def test_deleting_looks_up_what_belongs_to_the_job(reader):
    erase = effects.erase(a_job("j"), at=NOON)
    statements = job_removal.erasure("j-1999990")
    for statement in [*statements, *job_removal.deletion("default", "j", NOON, erase)]:
        found = plan(reader, statement)
        assert not [
            line for line in found if line.startswith("SCAN ") and "CONSTANT" not in line
        ]
