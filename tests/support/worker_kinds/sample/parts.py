"""A kind whose work has parts, each of which behaves as the input says."""

import ctypes
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from gpu_worker.kind_work import CannotFork, Made, MadeFile, Work
from shared.errors import JobFailed
from shared.job_kind import JobKind, PriceRule, Wire

Say = Callable[[float], None]
Conduct = Literal[
    "works",
    "tells_its_limits",
    "takes_memory",
    "hangs",
    "fails",
    "crashes",
    "grows",
    "burns_cpu",
    "segfaults",
    "is_silent",
]


class PartsInput(Wire):
    """One conduct for each part; `mark` is where they leave their processes' numbers."""

    conducts: list[Conduct]
    mark: str
    threads: int = 0


class PartsOutput(Wire):
    """What each part left behind in its file."""

    said: list[str] = []


def run(work: Work[PartsInput]) -> Made:
    """Do the parts side by side."""
    crew, order = work.crew, work.input
    if crew is None:
        raise JobFailed("internal", detail="a child has a crew")
    Path(order.mark, "child").write_text(str(os.getpid()))
    for _ in range(order.threads):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    files = [work.scratch / f"part-{n}" for n in range(len(order.conducts))]
    parts = [
        partial(_CONDUCTS[conduct], file, Path(order.mark, file.name))
        for conduct, file in zip(order.conducts, files, strict=True)
    ]
    try:
        crew.do(parts, lambda fraction: work.progress("work", fraction))
    except CannotFork:
        return _made(work, ["cannot fork"])
    return _made(work, [file.read_text() for file in files])


def _made(work: Work[PartsInput], said: list[str]) -> Made:
    video = work.scratch / "made.mp4"
    video.write_bytes(b"made of parts")
    return Made(PartsOutput(said=said), (MadeFile("video", video, "video/mp4"),))


def _works(file: Path, mark: Path, say: Say) -> None:
    mark.write_text(str(os.getpid()))
    for step in range(5):
        say(step / 5)
    file.write_text(f"done by {os.getpid()}")


def _tells_its_limits(file: Path, _mark: Path, _say: Say) -> None:
    fds = os.listdir("/proc/self/fd")
    links = [os.readlink(f"/proc/self/fd/{fd}") for fd in fds if _is_open(fd)]
    status = Path("/proc/self/status").read_text()
    told = {
        "as": resource.getrlimit(resource.RLIMIT_AS)[0],
        "mapped": int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize(),
        "fsize": resource.getrlimit(resource.RLIMIT_FSIZE)[0],
        "group": os.getpgid(0) == os.getppid(),
        "sockets": sum(link.startswith("socket:") for link in links),
        "seccomp": "Seccomp:\t2" in status,
    }
    file.write_text(repr(told))


def _is_open(fd: str) -> bool:
    return Path("/proc/self/fd", fd).exists() or Path("/proc/self/fd", fd).is_symlink()


def _takes_memory(file: Path, _mark: Path, _say: Say) -> None:
    taken = bytearray(b"x") * (64 * 1024 * 1024)
    file.write_text(str(len(taken)))


def _hangs(_file: Path, mark: Path, say: Say) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    mark.write_text(str(os.getpid()))
    while True:
        say(0.5)
        time.sleep(0.01)


def _fails(_file: Path, _mark: Path, _say: Say) -> None:
    raise JobFailed("invalid_range", "The clip is shorter than that.", detail="3.2 < 4")


def _crashes(_file: Path, _mark: Path, _say: Say) -> None:
    raise RuntimeError("a secret path: /etc/shadow")


def _grows(_file: Path, _mark: Path, _say: Say) -> None:
    kept = []
    while True:
        kept.append(bytearray(64 * 1024 * 1024))


def _burns_cpu(_file: Path, _mark: Path, _say: Say) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (1, 2))  # what the deadline would give, sooner
    while True:
        pass


def _segfaults(_file: Path, _mark: Path, _say: Say) -> None:
    ctypes.string_at(0)


def _is_silent(_file: Path, _mark: Path, _say: Say) -> None:
    os._exit(0)


_CONDUCTS: dict[str, Callable[[Path, Path, Say], None]] = {
    name: globals()[f"_{name}"] for name in Conduct.__args__
}

KIND: JobKind[Any, Any] = JobKind(
    name="sample.parts",
    version=1,
    description="Does parts side by side, as told.",
    input=PartsInput,
    output=PartsOutput,
    outputs={"video": "video/mp4"},
    stages=("prepare", "work", "upload", "persist"),
    compute="cpu",
    price=PriceRule(lambda *_: 60.0, lambda *_: 1.0, "flat"),
    deadline_s=600,
)
