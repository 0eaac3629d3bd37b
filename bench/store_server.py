"""The local object store in a process of its own: `python -m bench.store_server FOLDER`.

Its key is in the environment. It prints its port as a line of JSON and serves until its
standard input is closed.
"""

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from infra.local.object_store import build_store
from infra.local.stack.serving import serving

BUCKET = "cutroom"
KEY_ID, SECRET = "BENCH_STORE_KEY_ID", "BENCH_STORE_SECRET"


async def main(folder: Path) -> None:
    """Serve until nobody holds our standard input."""
    store = build_store(folder, keys={os.environ[KEY_ID]: os.environ[SECRET]}, buckets=[BUCKET])
    async with serving(store) as url:
        print(json.dumps({"port": urlsplit(url).port}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(Path(sys.argv[1])))
