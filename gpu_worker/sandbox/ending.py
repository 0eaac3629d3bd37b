"""How a process of untrusted work ends: its failure sorted into a code, its exit certain."""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from gpu_worker.sandbox.child_messages import (
    LONGEST_DETAIL,
    LONGEST_PUBLIC,
    OUT_OF_MEMORY_EXIT,
    Failed,
)
from shared.errors import FAILURES, CutroomError, JobFailed, ValidationFailed


def end_with(body: Callable[[], int]) -> NoReturn:
    """Run the body and end the process with the exit code it returns.

    Minus a signal's number ends it by that signal, as `subprocess` counts.
    """
    status = 1
    try:
        status = body()
    except MemoryError:
        status = OUT_OF_MEMORY_EXIT
    except BaseException:  # noqa: BLE001 - outermost: nothing may return past the fork
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if status < 0:
            _die_by(-status)
        os._exit(status)  # no clean-up of the parent's things, no waiting for threads


def failed(error: Exception) -> Failed:
    """Sort what ended the work into a failure code; the details are for the log alone."""
    code, public = _reason(error)
    detail = str(error)[:LONGEST_DETAIL]
    return Failed(code=code, public=public[:LONGEST_PUBLIC], detail=detail)


def _die_by(signal_no: int) -> None:
    if signal_no != signal.SIGKILL:
        signal.signal(signal_no, signal.SIG_DFL)
    os.kill(os.getpid(), signal_no)


def _reason(error: Exception) -> tuple[str, str]:
    match error:
        case JobFailed():
            return error.what, error.public
        case ValidationFailed():
            return "invalid_request", error.public
        case CutroomError() if error.what in FAILURES:
            return error.what, error.public
        case MemoryError():
            code = "out_of_memory"
        case OSError(errno=errno.ENOMEM):
            code = "out_of_memory"
        case OSError(errno=errno.ENOSPC):
            code = "storage_error"
        case OSError(errno=errno.EFBIG):
            return "invalid_request", "The result would be larger than a file may be."
        case _:
            code = "internal"
    return code, FAILURES[code].sentence
