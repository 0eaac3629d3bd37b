"""The event log in SQL."""

from typing_extensions import override

from gateway.adapters.sql.engine import SqlEngine
from gateway.ports.event_log import Event, EventLog


class SqlEventLog(EventLog):
    """Events by `(job_id, seq)`, never by time."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def read(self, job_id: str, after: int, limit: int) -> list[Event]:
        rows = await self._engine.fetch(
            "SELECT seq, type, body FROM events WHERE job_id = ? AND seq > ? "
            "ORDER BY seq LIMIT ?",
            (job_id, after, limit),
        )
        return [Event(row["seq"], row["type"], row["body"]) for row in rows]
