"""Pages of jobs in SQL: each a range of one index, newest first."""

from collections.abc import Sequence

from typing_extensions import override

from gateway.adapters.sql.engine import Row, SqlEngine, Statement, Value
from gateway.adapters.sql.rows import job_of, to_instant, to_text
from gateway.core.job_pages import JobFilter, JobPage, Place
from gateway.ports.job_lists import PAGE_INPUT_BYTES, JobLists


class SqlJobLists(JobLists):
    """Ids and sizes first; then the jobs of the page themselves."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def page(
        self, tenant: str, wanted: JobFilter, after: Place | None, limit: int
    ) -> JobPage:
        sized = await self._engine.fetch(*keys(tenant, wanted, after, limit + 1))
        kept = _fitting(sized, limit)
        if not kept:
            return JobPage([], None)
        rows = await self._engine.fetch(*by_ids([each["id"] for each in kept]))
        found = {row["id"]: job_of(row) for row in rows}
        last = Place(to_instant(kept[-1]["created_at"]), kept[-1]["id"])
        return JobPage(
            [found[each["id"]] for each in kept if each["id"] in found],
            last if len(sized) > len(kept) else None,
        )


def keys(tenant: str, wanted: JobFilter, after: Place | None, limit: int) -> Statement:
    """Ids and sizes of the inputs: what the page holds is decided before it is read."""
    if wanted.labels:
        return _keys_by_label(tenant, wanted, after, limit)
    conditions, params = _of_job("", wanted)
    beyond, place = _beyond("created_at", "id", after)
    return (
        "SELECT id, created_at, length(input) AS input_bytes FROM jobs "
        f"WHERE tenant = ? AND deleted_at IS NULL{conditions}{beyond} "
        "ORDER BY created_at DESC, id DESC LIMIT ?",
        [tenant, *params, *place, limit],
    )


def _keys_by_label(
    tenant: str, wanted: JobFilter, after: Place | None, limit: int
) -> Statement:
    """A range of the first label's rows; the others, and the job itself, are looked up."""
    (name, value), *others = sorted(wanted.labels.items())
    conditions, params = _of_job("j.", wanted)
    also = (
        " AND EXISTS (SELECT 1 FROM job_labels m WHERE m.tenant = l.tenant AND m.name = ? "
        "AND m.value = ? AND m.created_at = l.created_at AND m.job_id = l.job_id)"
    ) * len(others)
    beyond, place = _beyond("l.created_at", "l.job_id", after)
    return (
        "SELECT l.job_id AS id, l.created_at, "
        "(SELECT length(input) FROM jobs WHERE id = l.job_id) AS input_bytes "
        "FROM job_labels l WHERE l.tenant = ? AND l.name = ? AND l.value = ? "
        "AND EXISTS (SELECT 1 FROM jobs j WHERE j.id = l.job_id AND j.deleted_at IS NULL"
        f"{conditions}){also}{beyond} ORDER BY l.created_at DESC, l.job_id DESC LIMIT ?",
        [
            *(tenant, name, value),
            *params,
            *(each for pair in others for each in pair),
            *place,
            limit,
        ],
    )


def _of_job(prefix: str, wanted: JobFilter) -> tuple[str, list[Value]]:
    asked = {
        "status": wanted.status.value if wanted.status else None,
        "kind": wanted.kind,
        "parent_id": wanted.parent_id,
    }
    named = {name: value for name, value in asked.items() if value is not None}
    return "".join(f" AND {prefix}{name} = ?" for name in named), list(named.values())


def _beyond(created_at: str, job_id: str, after: Place | None) -> tuple[str, list[Value]]:
    if after is None:
        return "", []
    return f" AND ({created_at}, {job_id}) < (?, ?)", [to_text(after.created_at), after.job_id]


def _fitting(rows: Sequence[Row], limit: int) -> list[Row]:
    """Return the rows of one page: up to the one whose input takes it past the bound."""
    kept: list[Row] = []
    total = 0
    for row in rows[:limit]:
        kept.append(row)
        total += row["input_bytes"]
        if total > PAGE_INPUT_BYTES:
            break
    return kept


def by_ids(job_ids: Sequence[str]) -> Statement:
    """The jobs themselves, but for those that were deleted meanwhile."""
    marks = ", ".join("?" * len(job_ids))
    return f"SELECT * FROM jobs WHERE id IN ({marks}) AND deleted_at IS NULL", list(job_ids)
