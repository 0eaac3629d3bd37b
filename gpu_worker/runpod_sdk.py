"""RunPod's SDK, without the second that importing it spends on naming the processor."""

import platform
from types import ModuleType


def import_sdk() -> ModuleType:
    """Return RunPod's SDK, imported here for the first time; nothing of it is changed.

    Its debugger asks py-cpuinfo for the processor's name as it is imported, and py-cpuinfo
    starts a process that counts cycles for it: over a second of each cold start, which is
    paid for. It is told what the operating system says instead, until the import is over.
    """
    import cpuinfo

    measured = cpuinfo.get_cpu_info
    cpuinfo.get_cpu_info = _said_by_the_system
    try:
        import runpod
    finally:
        cpuinfo.get_cpu_info = measured
    module: ModuleType = runpod
    return module


def _said_by_the_system() -> dict[str, str]:
    return {"brand_raw": platform.machine()}
