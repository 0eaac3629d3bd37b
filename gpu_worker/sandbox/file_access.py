"""Which files a process may open: its job's own, and what its libraries need, by Landlock.

Linux 5.13 and up, for root and anybody else; what the kernel does not know is left out. What
is read otherwise through files is closed as well: a process so kept cannot look into others
(`/proc/PID/environ`), nor, from 6.12 on, signal any that is not as confined as itself.
"""

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

# linux/landlock.h; system calls from 424 up have one number on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH = 1
_VERSION = 1
_WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
# Rights a kernel knows of, by its ABI. Those of devices' ioctls are left alone: a GPU's driver
# is spoken to by nothing else.
_RIGHTS_BY_ABI = ((1, (1 << 13) - 1), (2, 1 << 13), (3, _TRUNCATE))
_OF_FILES = _READ_FILE | _WRITE_FILE | _TRUNCATE
_READING = _READ_FILE | _READ_DIR
_EXECUTE = 1 << 0
_NET_TCP, _NET_ABI = 0b11, 4
_SCOPES, _SCOPE_ABI = 0b11, 6  # abstract sockets and signals
_PR_SET_NO_NEW_PRIVS = 38

# Where libraries, their tables, and what the machine says of itself are. Nothing of it is of a
# job, and none of it may be run.
_SYSTEM = ("/usr", "/lib", "/lib64", "/opt", "/proc", "/sys", "/nix")
_SYSTEM_FILES = (
    *("/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/zero", "/dev/random"),
    "/dev/urandom",
)
_EVERYTHING = "/"
_DEVICES = "/dev"


def keep_to(files: Iterable[str], folders: Iterable[str], *, devices: bool = False) -> bool:
    """Let this process and all it starts read `files`, and work in `folders`; start nothing.

    `devices`: drivers read what they like, and the machine's devices are written to; the rest
    is closed to writing all the same. Call it with one thread. False where the kernel has no
    such thing.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    if abi < 1:
        return False
    rights = sum(right for since, right in _RIGHTS_BY_ABI if abi >= since)
    with _ruleset(libc, abi, rights) as ruleset:
        for path in (_EVERYTHING,) if devices else _readable(files):
            _allow(libc, ruleset, path, _READING)
        for path in (*folders, *([_DEVICES] if devices else [])):
            _allow(libc, ruleset, path, rights & ~_EXECUTE)
        _allow(libc, ruleset, "/dev/null", _READ_FILE | _WRITE_FILE)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            return False
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)


def _readable(files: Iterable[str]) -> Iterator[str]:
    yield from files
    yield from _SYSTEM
    yield from _SYSTEM_FILES
    # What is imported late: an environment of its own may be anywhere.
    yield from {sys.prefix, sys.base_prefix, *(path for path in sys.path if path)}


@contextmanager
def _ruleset(libc: ctypes.CDLL, abi: int, rights: int) -> Iterator[int]:
    # struct landlock_ruleset_attr {u64 handled_access_fs, handled_access_net, scoped}
    handled = struct.pack("=Q", rights)
    handled += struct.pack("=Q", _NET_TCP) if abi >= _NET_ABI else b""
    handled += struct.pack("=Q", _SCOPES) if abi >= _SCOPE_ABI else b""
    ruleset = libc.syscall(_CREATE_RULESET, handled, len(handled), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    try:
        yield ruleset
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    """Grant what is under a path; one that is not there grants nothing."""
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(beneath).st_mode):
            rights &= _OF_FILES
        # struct landlock_path_beneath_attr {u64 allowed_access; s32 parent_fd}, packed
        rule = struct.pack("=Qi", rights, beneath)
        if libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0) != 0:
            raise OSError(ctypes.get_errno(), "landlock_add_rule", path)
    finally:
        os.close(beneath)
