"""What this machine has, as far as its control group lets us use it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_CGROUP = Path("/sys/fs/cgroup")
_MIB = 1024 * 1024


def cores() -> int:
    """Return how many cores we may run on, at least one."""
    usable = len(os.sched_getaffinity(0))
    quota = _first_line([_CGROUP / "cpu.max"])
    if quota is not None and not quota.startswith("max"):
        share_us, _, period_us = quota.partition(" ")
        usable = min(usable, max(1, int(share_us) // int(period_us)))
    return max(1, usable)


def memory_mb() -> int:
    """Return the memory we may use, in MiB: the machine's, or the control group's if less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    bound = _first_line([_CGROUP / "memory.max", _CGROUP / "memory/memory.limit_in_bytes"])
    if bound is not None and bound.isdigit():
        total = min(total, int(bound))
    return max(1, total // _MIB)


def oom_kills() -> int | None:
    """Return how many processes the kernel has killed here for want of memory, if it says."""
    for path in (_CGROUP / "memory.events", _CGROUP / "memory/memory.oom_control"):
        for line in _lines(path):
            name, _, count = line.partition(" ")
            if name == "oom_kill" and count.isdigit():
                return int(count)
    return None


def gpu_name(environment: Mapping[str, str]) -> str | None:
    """Return the GPU's name as RunPod writes it into the URLs it gives its worker."""
    for variable in ("RUNPOD_WEBHOOK_GET_JOB", "RUNPOD_WEBHOOK_POST_OUTPUT"):
        names = parse_qs(urlsplit(environment.get(variable, "")).query).get("gpu", [])
        if names:
            return names[0][:128]
    return None


def _first_line(paths: Sequence[Path]) -> str | None:
    return next((line for path in paths for line in _lines(path)), None)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
