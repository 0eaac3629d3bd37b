"""A stand-in for a worker that has a heartbeat and a child in a session of its own.

    python -I -S family.py

Writes the three pids into `family.txt` of its folder once all of them are there. Like the
SDK's own, the heartbeat takes no notice of its parent's death; nobody reacts to SIGTERM.
"""

import os
import signal
from pathlib import Path


def main() -> None:
    """Fork both, say so, and do nothing for ever."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    heartbeat = os.fork() or _stay()
    child = os.fork() or _stay(apart=True)
    draft = Path("family.draft")
    draft.write_text(f"{os.getpid()} {heartbeat} {child}")
    draft.replace("family.txt")
    _stay()


def _stay(*, apart: bool = False) -> int:
    if apart:
        os.setsid()
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
