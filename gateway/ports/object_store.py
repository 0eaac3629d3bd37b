"""The bucket: what is stored under a key, and taking it away again."""

from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store says of one object. `etag` is without quotes."""

    key: str
    size_bytes: int
    etag: str
    content_type: str


class ObjectStore(Protocol):
    """Every implementation passes `tests/conformance/test_object_stores.py`.

    Each call raises `TryAgainLater` when the store is down, slow or out of reach, and
    `OperatorMustAct` when it refuses our credentials or has no such bucket.
    """

    async def head(self, key: str) -> StoredObject | None:
        """Return what is stored under the key; None where nothing is."""

    async def read_range(self, key: str, start: int, length: int) -> bytes:
        """Return `[start, start + length)` of the object, cut at its end; may be empty.

        Raises `NotFound` where nothing is stored. `length` is at least 1 and all of it is
        held in memory: this is for looking at a file's beginning.
        """

    async def put_file(
        self, key: str, file: BinaryIO, *, content_type: str, size_bytes: int
    ) -> StoredObject:
        """Store a file that passed through the gateway (a form); write-once.

        `file` is read from where it stands; `size_bytes` must be what is left of it.
        Raises `Conflict` where the key is taken; the object there is untouched.
        """

    async def delete(self, key: str) -> None:
        """Take the object away; nothing there is no error."""

    async def list_keys(self, prefix: str, after: str | None, limit: int) -> list[str]:
        """Return up to `limit` keys under `prefix`, in UTF-8 order, those past `after`."""

    async def check(self) -> None:
        """Return when the bucket answers to our credentials; raise as every call does."""
