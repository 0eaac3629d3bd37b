"""What a restored database is told, so that the time it does not know of does no harm.

Jobs that had not ended go on from where the backup has them. Attempts made since the backup
may still be at work, or have left objects: so no number of theirs is given out again.
"""

from datetime import UTC, datetime, timedelta

from gateway.adapters.sql.engine import Statement
from gateway.adapters.sql.rows import to_text
from gateway.core.job import FENCES_A_LIFE

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_OPEN = "status IN ('queued', 'running')"
_NEXT = "CASE WHEN j.fence > j.fence_floor THEN j.fence ELSE j.fence_floor END + 1"

# When a gateway last ticked, how many jobs have not ended, and the highest number given out.
AFTER_A_RESTORE = (
    "SELECT (SELECT ticked_at FROM liveness WHERE id = 1) AS ticked_at, "
    f"(SELECT count(*) FROM jobs WHERE {_OPEN}) AS open, "
    "coalesce((SELECT max(CASE WHEN fence > fence_floor THEN fence ELSE fence_floor END) "
    "FROM jobs), 0) AS floor"
)
# An attempt that nobody claimed is reserved under the number it would have had.
_RENUMBERED = (
    "FROM ledger r JOIN jobs j ON j.id = r.job_id "
    f"WHERE j.{_OPEN} AND r.entry = 'reserve' AND r.fence = {_NEXT}"
)


def fence_floor_at(now: datetime) -> int:
    """Return a floor that no other minute has: the same backup may be restored again."""
    return (now - _EPOCH) // timedelta(minutes=1) * FENCES_A_LIFE


def after_a_restore(
    now: datetime, floor: int, lost_since: str | None, jobs_open: int
) -> list[Statement]:
    """Give jobs that had not ended a floor for their fences, and note the restore.

    What is reserved stays reserved in the period it was made in: a release and a reserve of
    the same amount change no counter.
    """
    at = to_text(now)
    return [
        (
            "INSERT INTO ledger (job_id, fence, entry, micro_usd, at) "
            f"SELECT r.job_id, ?, 'reserve', r.micro_usd, r.at {_RENUMBERED}",
            (floor + 1,),
        ),
        (
            "INSERT INTO ledger (job_id, fence, entry, micro_usd, at) "
            f"SELECT r.job_id, r.fence, 'release', 0, ? {_RENUMBERED}",
            (at,),
        ),
        (f"UPDATE jobs SET fence_floor = ?, version = version + 1 WHERE {_OPEN}", (floor,)),
        (
            "INSERT INTO restores (at, fence_floor, lost_since, jobs_open) VALUES (?, ?, ?, ?)",
            (at, floor, lost_since, jobs_open),
        ),
    ]
