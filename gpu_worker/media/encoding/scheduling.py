"""How the system's scheduler is to treat us, whatever a library asks of it."""

import os
from contextlib import suppress
from pathlib import Path


def leave_real_time() -> None:
    """Put every thread of this process back among the ordinary ones.

    SVT-AV1, where it runs as root, puts its threads and the one that opens it on SCHED_FIFO.
    Those are served before all others: the worker's own heartbeat would wait until a render
    pauses, and whatever such a thread starts inherits its place.
    """
    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # it ended meanwhile
            os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))
