"""A stored file: the bytes of a body, and behind them one record that says what they are.

Data and record are one file, so that one rename makes both visible at once: no reader sees
half a body, or a body with another one's record, whenever the process dies.

    body | record, JSON | its length, 8 bytes | `cutroom1`
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Self

_MAGIC = b"cutroom1"
_FOOTER_BYTES = 16


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a body. `etag` is without quotes; `headers` are given back with it.

    `checksums`: base64 by algorithm, those the writer named and the store checked.
    """

    key: str
    size_bytes: int
    etag: str
    modified_at: datetime
    headers: Mapping[str, str]
    checksums: Mapping[str, str]

    def to_json(self) -> bytes:
        """Return the record as it stands in the file."""
        fields = asdict(self) | {"modified_at": self.modified_at.isoformat()}
        return json.dumps(fields).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Return the record that `to_json` wrote."""
        fields = json.loads(text)
        return cls(**fields | {"modified_at": datetime.fromisoformat(fields["modified_at"])})


def seal(file: BinaryIO, record: Record) -> None:
    """Write the record behind the body and see both to the disk."""
    text = record.to_json()
    file.write(text + len(text).to_bytes(8, "big") + _MAGIC)
    file.flush()
    os.fsync(file.fileno())


def read_record(file: BinaryIO) -> Record:
    """Return a sealed file's record; the body is the file's first `size_bytes`."""
    end = file.seek(-_FOOTER_BYTES, os.SEEK_END)
    footer = file.read(_FOOTER_BYTES)
    if footer[8:] != _MAGIC:
        raise ValueError("this file was not written by the object store")
    length = int.from_bytes(footer[:8], "big")
    file.seek(end - length)
    return Record.from_json(file.read(length))


class Draft:
    """A file in the making: written out of sight, then put in its place or thrown away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.file: BinaryIO = path.open("xb")

    def publish(self, place: Path, record: Record, *, only_if_absent: bool = False) -> None:
        """Seal the file and put it at `place` in one step.

        With `only_if_absent` raises `FileExistsError` where something is there, and of
        two at once exactly one succeeds.
        """
        seal(self.file, record)
        self.file.close()
        if only_if_absent:
            os.link(self._path, place)
        else:
            self._path.replace(place)
        sync_folder(place.parent)

    def discard(self) -> None:
        """Remove what was not published."""
        self.file.close()
        self._path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """See a folder's entries to the disk, so that a rename in it outlives a crash."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
