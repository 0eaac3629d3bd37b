"""One job's work, in a process of its own: what happens between the fork and `os._exit`."""

import logging
import os
import resource
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

from pydantic import BaseModel

from gpu_worker.kind_work import Made, Stopped, Work
from gpu_worker.kinds import Runner
from gpu_worker.sandbox import confinement, file_access
from gpu_worker.sandbox.child_messages import (
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
from gpu_worker.sandbox.crew import ForkedCrew, PartDied
from gpu_worker.sandbox.ending import end_with, failed
from shared.logs import log_fields
from shared.work import Usage

log = logging.getLogger(__name__)

SAY_EVERY_S = 0.1  # progress; a kind speaks at every frame


def live(conn: socket.socket, runners: Mapping[str, Runner], zygote_pid: int) -> NoReturn:
    """Do the task that comes in by `conn`, say how it went, and end the process."""

    def body() -> int:
        if not confinement.die_with_parent(zygote_pid, signal.SIGKILL):
            return 1
        return _serve(conn, runners)

    end_with(body)


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
        _confine(task)
        crew = ForkedCrew(task.cores or len(os.sched_getaffinity(0)), task.processes, conn)
        try:
            made, run_s = _made(task, runners[task.kind], _Voice(conn), stopping, crew)
            log.info("work.done", extra={"run_s": round(run_s, 3)})
            last_word: BaseModel = _done(made, run_s, crew.peak_bytes)
        except Stopped:
            return 0
        except PartDied as death:
            # Ours is the same death: the worker knows what each tells.
            return death.status
        except Exception as error:  # noqa: BLE001 - outermost: every end is reported
            last_word = _failed(error)
        _Voice(conn).say(last_word)
    return 0


def _confine(task: ChildTask) -> None:
    confinement.be_first_when_memory_runs_out()
    confinement.limit(task.limits)
    # What libraries keep for a moment is the job's as well, and goes with it.
    os.environ["TMPDIR"] = tempfile.tempdir = task.scratch
    own = (task.scratch, *task.caches)
    if not file_access.keep_to(task.files.values(), own, devices=task.hardware.any):
        log.warning("child.files_not_kept_apart")
    if not confinement.give_up_capabilities():
        log.warning("child.capabilities_kept")
    if not confinement.forbid_network_and_programs():
        log.warning("child.network_not_forbidden")


def _made(
    task: ChildTask, runner: Runner, voice: "_Voice", stopping: "_Stopping", crew: ForkedCrew
) -> tuple[Made, float]:
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
            crew=crew,
            hardware=task.hardware,
            looking=lambda: confinement.looking(task.limits.look_cpu_s),
        )
    )
    return made, time.monotonic() - begun_at_s


def _done(made: Made, run_s: float, others_peak_bytes: int) -> Done:
    usage = made.usage or Usage(run_s=run_s)
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + others_peak_bytes
    return Done(
        result=made.result.model_dump(mode="json"),
        files=[
            DoneFile(name=file.name, path=str(file.path), content_type=file.content_type)
            for file in made.files
        ],
        usage=usage.model_copy(update={"peak_memory_bytes": peak_bytes}),
    )


def _failed(error: Exception) -> Failed:
    said = failed(error)
    unexpected = error if said.code == "internal" else None
    why = {"code": said.code, "why": said.detail}
    log.error("child.work_failed", extra=why, exc_info=unexpected)
    return said


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
        if stage != last_stage:
            log.info("stage.begun", extra={"stage": stage})
        self._last = (stage, now_s)
        self.say(Progressed(stage=stage, fraction=min(1.0, max(0.0, fraction))))
