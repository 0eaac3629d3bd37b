"""A kind whose input says how its work is to behave."""

import ctypes
import mmap
import os
import resource
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NoReturn

from gpu_worker.kind_work import Made, MadeFile, Work
from shared.artifacts import FileRef
from shared.errors import JobFailed
from shared.job_kind import JobKind, PriceRule, Wire
from shared.work import Notice, Usage

Conduct = Literal[
    "burns_cpu",
    "chatters",
    "copies",
    "crashes",
    "dials_out",
    "fails",
    "forgets_its_output",
    "grows",
    "hangs",
    "is_silent",
    "lives_on",
    "makes_a_link",
    "names_a_wrong_stage",
    "pries",
    "refuses_to_die",
    "reserves",
    "runs_a_program",
    "segfaults",
    "tells_its_hardware",
    "tells_its_limits",
    "writes_too_much",
]


class ConductInput(Wire):
    """`mark` is a directory in which the work leaves its processes' numbers."""

    conduct: Conduct = "copies"
    source: FileRef | None = None
    mark: str | None = None
    at: list[str] = []  # what is pried at
    seconds: float = 0.0


class ConductOutput(Wire):
    """What the work has to tell."""

    said: str = ""


def run(work: Work[ConductInput]) -> Made:
    """Behave as the input says."""
    return _CONDUCTS[work.input.conduct](work)


def _copies(work: Work[ConductInput]) -> Made:
    data = b"".join(path.read_bytes() for path in work.files.values())
    for step in range(1, 5):
        work.progress("work", step / 4)
    work.warn(Notice(code="tail_missing", message="The last frames are missing."))
    for name in work.files:
        work.probed(name, {"width_px": 64})
    made = work.scratch / "made.mp4"
    made.write_bytes(data or b"made of nothing")
    return Made(
        ConductOutput(said="copied"),
        (MadeFile("video", made, "video/mp4"),),
        Usage(run_s=1.0, render_s=0.5, frames=4),
    )


def _hangs(work: Work[ConductInput]) -> NoReturn:
    _leave_mark(work, "child", os.getpid())
    while True:
        work.progress("work", 0.5)
        time.sleep(0.01)


def _refuses_to_die(work: Work[ConductInput]) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _leave_mark(work, "grandchild", _sleeping())
    _leave_mark(work, "child", os.getpid())
    work.progress("work", 0.5)
    while True:
        time.sleep(3600)


def _lives_on(work: Work[ConductInput]) -> Made:
    _leave_mark(work, "grandchild", _sleeping())
    return _copies(work)


def _sleeping() -> int:
    """A process of ours, by its number, that hears what we hear; none may run a program."""
    pid = os.fork()
    if pid == 0:
        time.sleep(3600)
        os._exit(0)
    return pid


def _grows(_work: Work[ConductInput]) -> NoReturn:
    kept = []
    while True:
        kept.append(bytearray(64 * 1024 * 1024))


def _writes_too_much(work: Work[ConductInput]) -> NoReturn:
    with (work.scratch / "endless").open("wb") as endless:
        while True:
            endless.write(bytes(1024 * 1024))


def _burns_cpu(_work: Work[ConductInput]) -> NoReturn:
    resource.setrlimit(resource.RLIMIT_CPU, (1, 2))  # what the deadline would give, sooner
    while True:
        pass


def _segfaults(_work: Work[ConductInput]) -> NoReturn:
    ctypes.string_at(0)
    raise AssertionError("read from nowhere")


def _is_silent(_work: Work[ConductInput]) -> NoReturn:
    os._exit(0)


def _crashes(_work: Work[ConductInput]) -> NoReturn:
    raise RuntimeError("a secret path: /etc/shadow")


def _fails(_work: Work[ConductInput]) -> NoReturn:
    raise JobFailed("invalid_range", "The clip is shorter than that.", detail="3.2 < 4")


def _forgets_its_output(_work: Work[ConductInput]) -> Made:
    return Made(ConductOutput(said="nothing made"))


def _makes_a_link(work: Work[ConductInput]) -> Made:
    link = work.scratch / "made.mp4"
    link.symlink_to("/etc/passwd")
    return Made(ConductOutput(), (MadeFile("video", link, "video/mp4"),))


def _names_a_wrong_stage(work: Work[ConductInput]) -> NoReturn:
    work.progress("daydream", 0.5)
    raise AssertionError("the stage was taken")


def _pries(work: Work[ConductInput]) -> Made:
    """Say of each path whether it can be listed or read, and be written beside."""
    return _saying(work, repr([f"{_looks_at(each)} {_writes(each)}" for each in work.input.at]))


def _looks_at(path: str) -> str:
    try:
        if os.path.isdir(path):
            os.listdir(path)
        else:
            Path(path).read_bytes()
    except PermissionError:
        return "closed"
    return "read"


def _writes(path: str) -> str:
    try:
        with Path(path if os.path.isdir(path) else os.path.dirname(path), "new").open("w"):
            return "written"
    except OSError:  # in /proc nobody can
        return "closed"


def _runs_a_program(work: Work[ConductInput]) -> Made:
    try:
        subprocess.run(["/bin/true"], check=False)
    except PermissionError:
        return _saying(work, "refused")
    return _saying(work, "ran")


def _dials_out(work: Work[ConductInput]) -> Made:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    except PermissionError:
        return _saying(work, "refused")
    return _saying(work, "connected")


def _chatters(work: Work[ConductInput]) -> Made:
    for number in range(1000):
        work.warn(Notice(code="noise", message=str(number)))
    return _copies(work)


def _reserves(work: Work[ConductInput]) -> Made:
    """Addresses nobody may touch, as a CUDA driver takes them."""
    with mmap.mmap(-1, 1 << 41, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 0):
        return _saying(work, "reserved")


def _tells_its_hardware(work: Work[ConductInput]) -> Made:
    return _saying(work, f"{work.hardware.warps} {sorted(work.hardware.decodes)}")


def _tells_its_limits(work: Work[ConductInput]) -> Made:
    limits = {
        "as": resource.getrlimit(resource.RLIMIT_AS)[0],
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
        "fsize": resource.getrlimit(resource.RLIMIT_FSIZE)[0],
        "nofile": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "cpu": resource.getrlimit(resource.RLIMIT_CPU)[0],
        "tasks": resource.getrlimit(resource.RLIMIT_NPROC)[0] - _tasks_here() > 256,
        "temporary": Path(tempfile.gettempdir()) == work.scratch,
        "threads": threading.active_count(),
        "cwd": Path.cwd() == work.scratch,
        "stdin": os.readlink("/proc/self/fd/0"),
        "group": os.getpgid(0) == os.getpid(),
        "sockets": len([fd for fd in _open_files() if fd.startswith("socket:")]),
        "environment": " ".join(sorted(os.environ)),
    }
    return _saying(work, repr(limits))


def _tasks_here() -> int:
    return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])


def _open_files() -> list[str]:
    listed = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            listed.append(os.readlink(f"/proc/self/fd/{fd}"))
        except FileNotFoundError:  # the listing's own
            continue
    return listed


def _saying(work: Work[ConductInput], said: str) -> Made:
    made = _copies(work)
    return Made(ConductOutput(said=said), made.files)


def _leave_mark(work: Work[ConductInput], name: str, pid: int) -> None:
    if work.input.mark is not None:
        Path(work.input.mark, name).write_text(str(pid))


_CONDUCTS: dict[str, Callable[[Work[ConductInput]], Made]] = {
    name: globals()[f"_{name}"] for name in Conduct.__args__
}

KIND: JobKind[Any, Any] = JobKind(
    name="sample.conduct",
    version=1,
    description="Behaves as told.",
    input=ConductInput,
    output=ConductOutput,
    outputs={"video": "video/mp4"},
    stages=("prepare", "work", "upload", "persist"),
    compute="cpu",
    price=PriceRule(lambda *_: 60.0, lambda *_: 1.0, "flat"),
    deadline_s=600,
)
