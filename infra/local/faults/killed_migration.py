"""Migrates a database and is killed in the middle of its n-th migration, counted from 0.

    python -m infra.local.faults.killed_migration DATABASE N

Ends well where there is none of that number.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from typing_extensions import override

from gateway.adapters.sql.migrations import Migration, load
from gateway.adapters.sqlite.migrate import migrate
from gateway.adapters.system_clock import SystemClock


@dataclass(frozen=True, slots=True)
class Deadly(Migration):
    """Kills whoever is half through its statements."""

    @override
    def statements(self) -> Iterator[str]:
        """Yield the first half of them, and no more."""
        everything = list(Migration.statements(self))
        yield from everything[: (len(everything) + 1) // 2]
        os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: Sequence[str]) -> None:
    """Migrate until killed."""
    database, number = Path(arguments[0]), int(arguments[1])
    wanted = [
        Deadly(**asdict(each)) if at == number else each for at, each in enumerate(load())
    ]
    migrate(database, now=SystemClock().now(), migrations=wanted)


if __name__ == "__main__":
    main(sys.argv[1:])
