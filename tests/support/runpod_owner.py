"""A program that owns an emulator with one worker, to be ended in every way there is.

    python runpod_owner.py <run folder> <worker program>

Ends well on SIGTERM and Ctrl-C.
"""

import asyncio
import itertools
import signal
import sys
import time
from pathlib import Path

from infra.local.runpod.emulator import EmulatorConfig, EndpointConfig, build_emulator


async def main(run_folder: str, program: str) -> None:
    """Run until told to end; nothing here needs the API, so nothing serves it."""
    endpoint = EndpointConfig(
        "gpu", min_workers=1, command=(sys.executable, "-I", "-S", program)
    )
    config = EmulatorConfig(Path(run_folder), "key", (endpoint,), tick_s=0.02, stop_grace_s=0.1)
    pods = itertools.count(1)
    emulator = build_emulator(config, time.monotonic, lambda: f"pod-{next(pods)}")
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await emulator.start("http://127.0.0.1:9")
    try:
        await told.wait()
    finally:
        await emulator.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
