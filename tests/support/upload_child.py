"""A process that uploads a file in parts, and is killed in the middle of it.

Arguments: the gateway's address, its key, the file. Writes the upload's id.
"""

import os
import signal
import sys
from pathlib import Path

from client import Cutroom

base_url, api_key, file = sys.argv[1:]


def die_halfway(done: int, total: int) -> None:
    if done > total // 2:
        os.kill(os.getpid(), signal.SIGKILL)


def said(upload_id: str) -> None:
    sys.stdout.write(f"{upload_id}\n")
    sys.stdout.flush()


with Cutroom(base_url, api_key) as cutroom:
    cutroom.upload(
        Path(file),
        die_halfway,
        on_begun=said,
        multipart_from_bytes=1,
        workers=1,
    )
