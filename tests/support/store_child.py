"""Serves a store from a folder until it is killed: `python store_child.py <root>`.

Prints its address once it listens.
"""

import asyncio
import sys
from pathlib import Path

from infra.local.object_store import build_store
from tests.support.buckets import BUCKET, KEY_ID, SECRET
from tests.support.serving import serving


async def main(root: Path) -> None:
    app = build_store(root, keys={KEY_ID: SECRET}, buckets=[BUCKET])
    async with serving(app) as base_url:
        sys.stdout.write(f"{base_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
