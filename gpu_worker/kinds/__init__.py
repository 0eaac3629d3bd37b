"""One module or folder per kind of job, grouped in folders; each defines `KIND` and `run`."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any

from gpu_worker.kind_work import Made, Work
from shared.discovery import kinds_in
from shared.job_kind import JobKind


@dataclass(frozen=True, slots=True)
class Runner:
    """A kind with the function that does its work, in the zygote's child."""

    kind: JobKind[Any, Any]
    run: Callable[[Work[Any]], Made]


def load_runners(package: ModuleType | None = None) -> Mapping[str, Runner]:
    """Read every runner below this folder, or another of its shape, by its kind's name."""
    found = kinds_in(package or sys.modules[__name__])
    return MappingProxyType({name: Runner(m.KIND, m.run) for name, m in found})


def warm() -> None:
    """Have the media code import and compile what it needs, once, before any job is forked."""
    from gpu_worker.media.warm import compile_kernels

    compile_kernels()
