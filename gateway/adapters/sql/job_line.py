"""The line for the slots of an endpoint in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import SqlEngine, Statement
from gateway.adapters.sql.rows import job_of, to_text
from gateway.core.job import Job
from gateway.ports.job_line import NO_KIND_CAPS, JobLine

_AT_ONCE = 95  # D1 takes 100 parameters a statement
_POSITION = (
    "SELECT j.id, (SELECT count(*) FROM jobs a WHERE a.endpoint = j.endpoint "
    "AND a.waiting_for = 'slot' AND (a.created_at, a.id) < (j.created_at, j.id)) AS ahead "
    "FROM jobs j WHERE j.id = ? AND j.waiting_for = 'slot'"
)
_HELD = (
    "SELECT {by}, count(*) AS held FROM jobs "
    "WHERE endpoint = ? AND holds_slot = 1 GROUP BY {by}"
)
_HELD_OF_KIND = "(SELECT count(*) FROM jobs WHERE endpoint = ? AND holds_slot = 1 AND kind = ?)"
_WAITS = (
    "endpoint = ? AND status = 'queued' AND "
    "(waiting_for = 'slot' OR (waiting_for = 'retry_at' AND retry_at <= ?))"
)


class SqlJobLine(JobLine):
    """Jobs that wait, in the tables `jobs` and `endpoints`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def know_endpoints(self, names: Sequence[str]) -> None:
        insert = "INSERT INTO endpoints (name) VALUES (?) ON CONFLICT (name) DO NOTHING"
        # A gateway of an earlier version that still ran after a migration counted nobody.
        recount = (
            "UPDATE endpoints SET waiting = (SELECT count(*) FROM jobs "
            "WHERE endpoint = ? AND waiting_for = 'slot') WHERE name = ?"
        )
        await self._engine.batch(
            [(insert, (name,)) for name in names] + [(recount, (name, name)) for name in names]
        )

    @override
    async def in_line(
        self, endpoint: str, now: datetime, kind_caps: Mapping[str, int] = NO_KIND_CAPS
    ) -> Job | None:
        capped = "".join(f" AND (j.kind <> ? OR {_HELD_OF_KIND} < ?)" for _ in kind_caps)
        caps = [each for kind, cap in kind_caps.items() for each in (kind, endpoint, kind, cap)]
        rows = await self._engine.fetch(
            "SELECT j.* FROM jobs j "
            f"LEFT JOIN ({_HELD.format(by='tenant')}) h ON h.tenant = j.tenant "
            f"LEFT JOIN ({_HELD.format(by='tenant, kind')}) k "
            "ON k.tenant = j.tenant AND k.kind = j.kind "
            f"WHERE j.{_WAITS} AND j.deadline_at > ?{capped} ORDER BY "
            "coalesce(h.held, 0), coalesce(k.held, 0), j.created_at, j.id LIMIT 1",
            (endpoint, endpoint, endpoint, to_text(now), to_text(now), *caps),
        )
        return job_of(rows[0]) if rows else None

    @override
    async def positions(self, jobs: Sequence[Job]) -> dict[str, int]:
        found: dict[str, int] = {}
        for endpoint in sorted({job.endpoint for job in jobs}):
            mine = [job for job in jobs if job.endpoint == endpoint]
            for start in range(0, len(mine), _AT_ONCE):
                some = mine[start : start + _AT_ONCE]
                rows = await self._engine.fetch(*positions_of(endpoint, some))
                found.update({row["id"]: row["ahead"] for row in rows})
        return found


def positions_of(endpoint: str, jobs: Sequence[Job]) -> Statement:
    """One pass over the endpoint's waiting jobs up to the newest of these.

    For one job, which is what a status poll asks for, they are counted and not numbered: that
    takes a sixth of the work.
    """
    if len(jobs) == 1:
        return _POSITION, [jobs[0].id]
    marks = ", ".join("?" * len(jobs))
    newest = max(job.created_at for job in jobs)
    return (
        "SELECT id, ahead FROM (SELECT id, "
        "row_number() OVER (ORDER BY created_at, id) - 1 AS ahead FROM jobs "
        "WHERE endpoint = ? AND waiting_for = 'slot' AND created_at <= ?) AS waiting "
        f"WHERE id IN ({marks})",
        [endpoint, to_text(newest), *(job.id for job in jobs)],
    )
