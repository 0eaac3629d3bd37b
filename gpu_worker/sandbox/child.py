"""One job's work, in a process of its own: what happens between the fork and `os._exit`."""

import errno
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

from pydantic import BaseModel

from gpu_worker.kind_work import Made, Stopped, Work
from gpu_worker.kinds import Runner
from gpu_worker.sandbox import confinement
from gpu_worker.sandbox.child_messages import (
    OUT_OF_MEMORY_EXIT,
    ChildTask,
    Done,
    DoneFile,
    Failed,
    Probed,
    Progressed,
    Warned,
    framed,
    receive_body,
)
from shared.errors import FAILURES, CutroomError, JobFailed, ValidationFailed
from shared.logs import log_fields
from shared.work import Usage

log = logging.getLogger(__name__)

SAY_EVERY_S = 0.1  # progress; a kind speaks at every frame


def live(conn: socket.socket, runners: Mapping[str, Runner], zygote_pid: int) -> NoReturn:
    """Do the task that comes in by `conn`, say how it went, and end the process."""
    status = 1
    try:
        if confinement.die_with_parent(zygote_pid, signal.SIGKILL):
            status = _serve(conn, runners)
    except MemoryError:
        status = OUT_OF_MEMORY_EXIT
    except BaseException:  # noqa: BLE001 - outermost: nothing may return into the zygote
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # no clean-up of the zygote's things, no waiting for threads


def _serve(conn: socket.socket, runners: Mapping[str, Runner]) -> int:
    # The zygote's handlers are not ours; SIGTERM has been held back since before the fork.
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    stopping = _Stopping()
    signal.signal(signal.SIGTERM, stopping.hear)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    body = receive_body(conn)
    if body is None:
        return 0  # the worker thought better of it
    task = ChildTask.model_validate_json(body)
    with log_fields(**task.log_fields):
        os.chdir(task.scratch)
        os.umask(0o077)
        confinement.be_first_when_memory_runs_out()
        if not confinement.forbid_network():
            log.warning("child.network_not_forbidden")
        confinement.limit(task.limits)
        try:
            last_word: BaseModel = _done(*_made(task, runners[task.kind], conn, stopping))
        except Stopped:
            return 0
        except Exception as error:  # noqa: BLE001 - outermost: every end is reported
            last_word = _failed(error)
        _Voice(conn).say(last_word)
    return 0


def _made(
    task: ChildTask, runner: Runner, conn: socket.socket, stopping: "_Stopping"
) -> tuple[Made, float]:
    voice = _Voice(conn)
    progress = _Progress(runner.kind.stages, stopping, voice.say)
    begun_at_s = time.monotonic()
    made = runner.run(
        Work(
            input=runner.kind.parse_input(task.input),
            files={name: Path(path) for name, path in task.files.items()},
            scratch=Path(task.scratch),
            progress=progress,
            warn=lambda notice: voice.say(Warned(notice=notice)),
            probed=lambda name, facts: voice.say(Probed(name=name, facts=facts)),
        )
    )
    return made, time.monotonic() - begun_at_s


def _done(made: Made, run_s: float) -> Done:
    usage = made.usage or Usage(run_s=run_s)
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Done(
        result=made.result.model_dump(mode="json"),
        files=[
            DoneFile(name=file.name, path=str(file.path), content_type=file.content_type)
            for file in made.files
        ],
        usage=usage.model_copy(update={"peak_memory_bytes": peak_bytes}),
    )


def _failed(error: Exception) -> Failed:
    """Sort what ended the work into a failure code; the details stay in the log."""
    code, public = _reason(error)
    unexpected = error if code == "internal" else None
    log.error("child.work_failed", extra={"code": code, "why": str(error)}, exc_info=unexpected)
    return Failed(code=code, public=public[:500])


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


@dataclass(slots=True)
class _Voice:
    """Messages to the worker, whole even when several threads speak."""

    conn: socket.socket
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, message: BaseModel) -> None:
        data = framed(message)
        with self._lock:
            self.conn.sendall(data)


class _Stopping:
    """Set by SIGTERM; looked at whenever the work says how far it is."""

    def __init__(self) -> None:
        self.told = False

    def hear(self, _signal_no: int, _frame: FrameType | None) -> None:
        self.told = True


@dataclass(slots=True)
class _Progress:
    """A kind's `progress`: cheap at every frame, and where the work learns to stop."""

    stages: tuple[str, ...]
    stopping: _Stopping
    say: Callable[[BaseModel], None]
    _last: tuple[str, float] = ("", 0.0)

    def __call__(self, stage: str, fraction: float) -> None:
        if self.stopping.told:
            raise Stopped
        if stage not in self.stages:
            raise ValueError(f"{stage!r} is no stage of this kind")
        now_s = time.monotonic()
        last_stage, said_at_s = self._last
        if stage == last_stage and now_s - said_at_s < SAY_EVERY_S:
            return
        self._last = (stage, now_s)
        self.say(Progressed(stage=stage, fraction=min(1.0, max(0.0, fraction))))
