"""The machine's own clock."""

from datetime import UTC, datetime

from typing_extensions import override

from gateway.ports.clock import Clock


class SystemClock(Clock):
    """Aware UTC."""

    @override
    def now(self) -> datetime:
        return datetime.now(UTC)
