"""An answer: a small body in memory, or a range of an open file."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import BinaryIO

BLOCK_BYTES = 2**18

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class FileRange:
    """Some bytes of an open file."""

    file: BinaryIO
    asked: range


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back; with `file` its bytes are the body. Close it once it is sent."""

    status: int = 200
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    file: FileRange | None = None

    @property
    def length(self) -> int:
        """Return how many bytes the body has."""
        return len(self.body) if self.file is None else len(self.file.asked)

    async def blocks(self) -> AsyncIterator[bytes]:
        """Yield the body; a file is read in a thread."""
        if self.file is None:
            yield self.body
            return
        file, at, end = self.file.file, self.file.asked.start, self.file.asked.stop
        await asyncio.to_thread(file.seek, at)
        while at < end:
            block = await asyncio.to_thread(file.read, min(end - at, BLOCK_BYTES))
            at += len(block)
            yield block

    def close(self) -> None:
        """Let go of the file."""
        if self.file is not None:
            self.file.file.close()


def xml_reply(document: bytes, status: int = 200) -> Reply:
    """Return a reply that is an XML document."""
    return Reply(status, [("content-type", "application/xml")], document)
