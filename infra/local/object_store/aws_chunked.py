"""The framing `aws-chunked`: sized chunks, an empty one, then trailers."""

import re
from collections.abc import Iterator

from infra.local.object_store.refusal import Refusal

MAX_LINE_BYTES = 4096

_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})(;.*)?")


class ChunkDecoder:
    """Takes the frames apart as they arrive; holds at most a line of them."""

    def __init__(self) -> None:
        self.trailers: dict[str, str] = {}
        self.ended = False
        self._line = bytearray()
        self._left = 0  # bytes of the present chunk yet to come
        self._after_chunk = False  # the line break that ends a chunk is due
        self._in_trailers = False

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Yield the data in one more block."""
        at = 0
        while at < len(block):
            if self._left:
                data = block[at : at + self._left]
                self._left -= len(data)
                self._after_chunk = not self._left
                at += len(data)
                yield data
            else:
                end = block.find(b"\n", at) + 1 or len(block)
                self._line += block[at:end]
                at = end
                self._take_line()

    def _take_line(self) -> None:
        if len(self._line) > MAX_LINE_BYTES or self.ended:
            raise _broken()
        if not self._line.endswith(b"\r\n"):
            return
        line = bytes(self._line[:-2])
        self._line.clear()
        if self._after_chunk:
            self._after_chunk = False
            if line:
                raise _broken()
        elif self._in_trailers:
            self._take_trailer(line)
        else:
            self._take_size(line)

    def _take_size(self, line: bytes) -> None:
        found = _SIZE.fullmatch(line)
        if found is None:
            raise _broken()
        self._left = int(found[1], 16)
        self._in_trailers = not self._left

    def _take_trailer(self, line: bytes) -> None:
        if not line:
            self.ended = True
            return
        name, _, value = line.decode("latin-1").partition(":")
        self.trailers[name.strip().lower()] = value.strip()


def _broken() -> Refusal:
    return Refusal(400, "IncompleteBody", "The body is not aws-chunked as announced.")
