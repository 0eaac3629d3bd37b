"""A handler under the unmodified SDK: what the tests of the RunPod emulator give work to.

    python -u sdk_handler.py

Each run leaves a line in `ran.txt` of the worker's private folder.
"""

import asyncio
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

# Asking what the processor is called takes a third of the SDK's import time.
_cpuinfo = ModuleType("cpuinfo")
_cpuinfo.get_cpu_info = dict  # type: ignore[attr-defined]  # a module made by hand
sys.modules["cpuinfo"] = _cpuinfo


async def handle(job: dict[str, Any]) -> Any:
    """Do what the job's input says: `say`, `fail`, `wait` (stoppable) or `block` (not)."""
    asked = job["input"]
    with Path("ran.txt").open("a", encoding="utf-8") as ran:  # noqa: ASYNC230 - one line
        ran.write(f"{job['id']}\n")
    match asked["do"]:
        case "fail":
            return {"error": f"internal: {asked['text']}"}
        case "wait":
            await asyncio.sleep(asked["seconds"])
        case "block":
            time.sleep(asked["seconds"])  # noqa: ASYNC251  what a blocking handler does
    return {"said": asked.get("text", ""), "pod": os.environ["RUNPOD_POD_ID"]}


if __name__ == "__main__":
    import runpod

    runpod.serverless.start({"handler": handle})
