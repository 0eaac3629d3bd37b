"""Becomes a worker that dies with the thread that started it.

    python -I -S launcher.py <pid of the supervisor> -- <command…>

Run in a session of its own, by path and without site-packages, so that it costs
milliseconds. Not a `preexec_fn`: that would run Python between fork and exec in a
process with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    """Tie this process to the supervisor's life, then become the command."""
    supervisor_pid, separator, *command = argv
    if separator != "--" or not command:
        raise SystemExit("usage: launcher.py PID -- COMMAND…")
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise SystemExit(f"prctl failed: errno {ctypes.get_errno()}")
    # It may have died before the kernel was asked to tell us.
    if os.getppid() != int(supervisor_pid):
        raise SystemExit("the supervisor is gone")
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
