"""What a process may do: die with its parent, stay within limits, no network, no programs.

Linux only, as the worker is. Called in a process that has one thread.
"""

import ctypes
import logging
import os
import platform
import resource
import signal
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpu_worker.sandbox.child_messages import Limits

log = logging.getLogger(__name__)

# linux/prctl.h
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
# linux/capability.h
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1 << 1
# linux/seccomp.h. Without SPEC_ALLOW older kernels slow every branch of a filtered process.
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4
_SECCOMP_RET_ALLOW = 0x7FFF0000
_SECCOMP_RET_EACCES = 0x00050000 | 13
# AUDIT_ARCH, and the numbers of seccomp(2), socket(2), execve(2) and execveat(2)
_SYSCALLS = {
    "x86_64": (0xC000003E, 317, 41, (59, 322)),
    "aarch64": (0xC00000B7, 277, 198, (221, 281)),
}
_IO_URING_SETUP = 425
_X32_BIT = 0x40000000
_AF_UNIX = 1
# linux/filter.h
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06


def die_with_parent(parent_pid: int, signal_no: int) -> bool:
    """Have the kernel send `signal_no` when the parent dies; False if it is dead already.

    The signal follows the parent's *thread*: a parent must fork from one that stays.
    """
    _prctl(_PR_SET_PDEATHSIG, signal_no)
    return os.getppid() == parent_pid


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies, so that they are reaped."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def limit(limits: Limits) -> None:
    """Set the limits on this process and all it starts; no core files.

    Over `cpu_s` the process gets SIGXCPU, and SIGKILL some seconds later.
    """
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    _lower(resource.RLIMIT_CPU, limits.cpu_s, spare=5)
    if limits.tasks is not None:
        _lower(resource.RLIMIT_NPROC, _tasks_here() + limits.tasks)
    if limits.memory_bytes is not None and limits.memory_counts == "writable":
        _lower(resource.RLIMIT_DATA, limits.memory_bytes)
    elif limits.memory_bytes is not None:
        limit_memory(limits.memory_bytes)


@contextmanager
def looking(within_cpu_s: float | None) -> Iterator[None]:
    """A stretch of work that may use so much CPU, all threads together; over it is SIGPROF.

    That ends the process wherever it is, also in a library's loop that never comes back.
    """
    signal.setitimer(signal.ITIMER_PROF, within_cpu_s or 0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def limit_memory(memory_bytes: int) -> None:
    """Lower the bound on this process's address space, and on that of all it starts."""
    _lower(resource.RLIMIT_AS, memory_bytes)


def be_first_when_memory_runs_out() -> None:
    """Have the kernel kill this process rather than the worker that must report it."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError as error:
        log.debug("child.oom_score_not_set", extra={"why": repr(error)})


def give_up_capabilities() -> bool:
    """Be root for files alone: what root may do to other processes and the machine is given up.

    Files stay, for a worker's folders may be another user's; which of them is not settled here.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    # struct {u32 version; int pid}, and twice {u32 effective, permitted, inheritable}
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    held = ctypes.create_string_buffer(24)
    if libc.capget(header, held) != 0:
        return False
    effective, permitted = struct.unpack_from("=2I", held.raw)
    kept = struct.pack(
        "=6I", effective & _CAP_DAC_OVERRIDE, permitted & _CAP_DAC_OVERRIDE, 0, 0, 0, 0
    )
    return bool(libc.capset(header, kept) == 0)


def forbid_network_and_programs() -> bool:
    """Refuse every new socket but local ones, and to run any program, for all it starts too.

    Whatever is made of a file's text there, no shell reads it. False where the platform does
    not allow it: then the rules on opening files stand alone.
    """
    known = _SYSCALLS.get(platform.machine())
    if known is None:
        return False
    arch, seccomp, socket, execs = known
    program = _filter(arch, socket, execs)
    libc = ctypes.CDLL(None, use_errno=True)
    array = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog {unsigned short len; struct sock_filter *filter;}
    prog = struct.pack("@HP", len(program) // 8, ctypes.addressof(array))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    done = libc.syscall(
        seccomp, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_SPEC_ALLOW, prog
    )
    return bool(done == 0)


def _filter(arch: int, socket: int, execs: tuple[int, int]) -> bytes:
    """A BPF program over `struct seccomp_data`: number at 0, architecture 4, arguments 16.

    Jumps count from the instruction after; 10 allows, 11 refuses.
    """
    steps = (
        (_LOAD, 0, 0, 4),
        (_IF_EQUAL, 0, 9, arch),
        (_LOAD, 0, 0, 0),
        (_IF_AT_LEAST, 7, 0, _X32_BIT),
        (_IF_EQUAL, 6, 0, _IO_URING_SETUP),
        (_IF_EQUAL, 5, 0, execs[0]),
        (_IF_EQUAL, 4, 0, execs[1]),
        (_IF_EQUAL, 0, 2, socket),
        (_LOAD, 0, 0, 16),
        (_IF_EQUAL, 0, 1, _AF_UNIX),
        (_RETURN, 0, 0, _SECCOMP_RET_ALLOW),
        (_RETURN, 0, 0, _SECCOMP_RET_EACCES),
    )
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def _tasks_here() -> int:
    """The kernel bounds a user's processes and threads, so others' count (proc(5), loadavg)."""
    return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])


def _lower(which: int, to: int, *, spare: int = 0) -> None:
    _, hard = resource.getrlimit(which)
    bound = to + spare if hard == resource.RLIM_INFINITY else min(to + spare, hard)
    resource.setrlimit(which, (min(to, bound), bound))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")
