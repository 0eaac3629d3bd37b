"""What this machine's GPU does, found out in a process of its own as the worker starts."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from gpu_worker.hardware import NO_HARDWARE, Hardware

log = logging.getLogger(__name__)

Engine = Literal["auto", "cpu", "cuda"]

TRIALS: Sequence[str] = (sys.executable, "-m", "gpu_worker.media.cuda.trials")
DEVICE_NODE = Path("/dev/nvidiactl")  # there wherever a container is given a GPU
_ENDING_S = 5  # for a killed process to be gone; one in the driver's hands may not be


class HardwareSearch:
    """Trials that run while the worker starts; `found` waits for them.

    `auto` tries where there is a device, `cuda` in any case, `cpu` never.
    """

    def __init__(
        self,
        engine: Engine,
        environment: Mapping[str, str],
        command: Sequence[str] = TRIALS,
        device_node: Path = DEVICE_NODE,
    ) -> None:
        self._engine = engine
        self._trials: subprocess.Popen[str] | None = None
        if engine == "cuda" or (engine == "auto" and device_node.exists()):
            self._trials = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # encoders talk; what failed is said as an outcome
                text=True,
                start_new_session=True,
            )

    def found(self, within_s: float) -> Hardware:
        """What was seen to work until it ended, died, or time was up; says so in the log."""
        if self._trials is None:
            log.info("engine.chosen", extra={"engine": "cpu", "setting": self._engine})
            return NO_HARDWARE
        said, ended = _said(self._trials, within_s)
        outcomes = list(_outcomes(said.splitlines()))
        hardware = hardware_of(each["can"] for each in outcomes if "can" in each)
        failed = {each["cannot"]: each.get("why", "") for each in outcomes if "cannot" in each}
        extra = {
            "engine": "cuda" if hardware.any else "cpu",
            "setting": self._engine,
            "warps": hardware.warps,
            "decodes": sorted(hardware.decodes),
            "encodes": sorted(hardware.encodes),
            "cannot": failed,
            "ended": ended,
        }
        if self._engine == "cuda" and not hardware.any:
            log.error("engine.not_available", extra=extra)
        else:
            log.info("engine.chosen", extra=extra)
        return hardware


def hardware_of(abilities: Iterable[str]) -> Hardware:
    """What the names say that `gpu_worker.media.cuda.trials` has for what it tries."""
    names = set(abilities)

    def after(word: str) -> frozenset[str]:
        return frozenset(each.removeprefix(word) for each in names if each.startswith(word))

    return Hardware("warp" in names, after("decode "), after("encode "))


def _said(trials: subprocess.Popen[str], within_s: float) -> tuple[str, str]:
    """What a process has written, and how it ended."""
    try:
        said, _ = trials.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        trials.kill()
        try:
            said, _ = trials.communicate(timeout=_ENDING_S)
        except subprocess.TimeoutExpired:
            return "", "hangs"
        return said, "took too long"
    return said, "in time" if trials.returncode == 0 else f"with {trials.returncode}"


def _outcomes(lines: Iterable[str]) -> Iterable[dict[str, str]]:
    """The lines that are whole; the last of a process that died may not be."""
    for line in lines:
        try:
            outcome = json.loads(line)
        except ValueError:
            continue
        if isinstance(outcome, dict):
            yield outcome
