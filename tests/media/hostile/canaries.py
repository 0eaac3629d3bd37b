"""What nobody may visit: a server and a file that each count who comes."""

import ctypes
import os
import select
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

SECRET = "SECRET-7d1f0c9a-of-another-tenant"
# sys/inotify.h
_IN_ACCESS, _IN_OPEN = 0x01, 0x20
_EVENT = struct.Struct("iIII")


@dataclass
class Canaries:
    """`url` and `secret` are what is not to be visited."""

    url: str
    secret: Path
    _visitors: list[str]
    _watch: int
    _opened: int = 0

    @property
    def visits(self) -> list[str]:
        """The paths that were asked for at the server."""
        return list(self._visitors)

    @property
    def opened(self) -> int:
        """How often the file was opened or read."""
        while select.select([self._watch], [], [], 0)[0]:
            data, at = os.read(self._watch, 65_536), 0
            while at < len(data):
                at += _EVENT.size + _EVENT.unpack_from(data, at)[3]
                self._opened += 1
        return self._opened


@contextmanager
def canaries(folder: Path) -> Iterator[Canaries]:
    """Put them up; the file lies in a folder."""
    secret = folder / "secret.txt"
    secret.write_text(SECRET)
    visitors: list[str] = []

    class Counting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            visitors.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SECRET.encode())

        def log_message(self, *_said: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server, _watched(secret) as watch:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield Canaries(f"http://127.0.0.1:{server.server_port}", secret, visitors, watch)
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _watched(path: Path) -> Iterator[int]:
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_CLOEXEC)
    assert watch >= 0
    assert libc.inotify_add_watch(watch, os.fsencode(path), _IN_ACCESS | _IN_OPEN) >= 0
    try:
        yield watch
    finally:
        os.close(watch)
