"""The event log in memory."""

from typing_extensions import override

from gateway.adapters.memory.tables import Tables
from gateway.ports.event_log import Event, EventLog


class MemoryEventLog(EventLog):
    """Events in lists."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    @override
    async def read(self, job_id: str, after: int, limit: int) -> list[Event]:
        return [each for each in self._t.events.get(job_id, ()) if each.seq > after][:limit]
