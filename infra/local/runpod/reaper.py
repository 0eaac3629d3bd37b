"""Outlives a killed emulator by a moment, to take its workers along.

    python -m infra.local.runpod.reaper <run folder>

A worker dies with the emulator; the SDK's heartbeat, forked from it, does not. This
process waits for the end of its standard input, which comes when the emulator closes it
or dies in any way, and kills what is left. The logs stay for who wants to know why.
"""

import signal
import sys
from pathlib import Path

from infra.local.runpod.leftovers import kill_leftovers


def main(run_folder: str) -> None:
    """Wait for the emulator's end, then kill what is left of it."""
    # Ctrl-C and a container's stop reach everybody; this end comes after the emulator's.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    kill_leftovers(Path(run_folder))


if __name__ == "__main__":
    main(sys.argv[1])
