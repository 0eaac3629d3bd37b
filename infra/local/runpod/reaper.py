"""Outlives a killed emulator by a moment, to take its workers along.

    python -m infra.local.runpod.reaper <run folder>

A worker dies with the emulator; the SDK's heartbeat, forked from it, does not. This
process waits for the end of its standard input, which comes when the emulator closes it
or dies in any way, and sweeps what is left.
"""

import signal
import sys
from pathlib import Path

from infra.local.runpod.leftovers import sweep


def main(run_folder: str) -> None:
    """Wait for the emulator's end, then sweep."""
    # Ctrl-C and a container's stop reach everybody; the sweep comes after the emulator's.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    sweep(Path(run_folder))


if __name__ == "__main__":
    main(sys.argv[1])
