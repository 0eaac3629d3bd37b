"""Rings when a job's log has grown, within this process; the log stays the truth."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Bell:
    """A hint to look: what another process wrote is found by looking each second anyway."""

    def __init__(self) -> None:
        self._ears: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def ring(self, job_id: str) -> None:
        """Wake everybody who listens for this job."""
        for ear in self._ears.get(job_id, ()):
            ear.set()

    @contextmanager
    def listen(self, job_id: str) -> Iterator[asyncio.Event]:
        """Give an event that is set at each ring; the listener clears it before looking."""
        ear = asyncio.Event()
        self._ears[job_id].add(ear)
        try:
            yield ear
        finally:
            self._ears[job_id].discard(ear)
            if not self._ears[job_id]:
                del self._ears[job_id]
