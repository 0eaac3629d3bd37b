"""A file on this computer, read piece by piece while it is sent."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self

from client.bucket import CHUNK_BYTES
from client.errors import TransferFailed

TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".mp4": "video/mp4",
        ".m4v": "video/mp4",
        ".mov": "video/quicktime",
        ".webm": "video/webm",
        ".mkv": "video/x-matroska",
        ".avi": "video/x-msvideo",
        ".png": "image/png",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".webp": "image/webp",
        ".mp3": "audio/mpeg",
        ".wav": "audio/wav",
        ".m4a": "audio/mp4",
        ".aac": "audio/aac",
        ".ogg": "audio/ogg",
        ".ttf": "font/ttf",
        ".otf": "font/otf",
    }
)
UNKNOWN_TYPE = "application/octet-stream"  # which the gateway refuses in plain words


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file as it was when its upload began."""

    path: Path
    size_bytes: int
    changed_at_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return the file at a path. Raises `OSError`."""
        found = path.stat()
        return cls(path, found.st_size, found.st_mtime_ns)

    @property
    def content_type(self) -> str:
        """The type its name tells."""
        return TYPES.get(self.path.suffix.lower(), UNKNOWN_TYPE)

    def sha256(self) -> str:
        """Return the hash of all of it."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def pieces(self, begin: int, size_bytes: int) -> Iterator[bytes]:
        """Yield `size_bytes` from `begin` on.

        Raises `TransferFailed` where the file has become shorter.
        """
        with self.path.open("rb") as file:
            file.seek(begin)
            left = size_bytes
            while left:
                piece = file.read(min(CHUNK_BYTES, left))
                if not piece:
                    raise self._changed()
                left -= len(piece)
                yield piece

    def check_unchanged(self) -> None:
        """Raise `TransferFailed` where it is not what it was."""
        if LocalFile.of(self.path) != self:
            raise self._changed()

    def _changed(self) -> TransferFailed:
        return TransferFailed(f"{self.path.name} changed while it was sent")
