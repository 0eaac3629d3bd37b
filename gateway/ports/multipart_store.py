"""Large uploads in parts: begin, see what has arrived, and join it or let it go."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.ports.object_store import StoredObject


@dataclass(frozen=True, slots=True)
class StoredPart:
    """One part the store has. `etag` is without quotes."""

    part_number: int
    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PartToJoin:
    """One part as the browser names it when it completes. `etag` is without quotes."""

    part_number: int
    etag: str


class MultipartStore(Protocol):
    """Every implementation passes `tests/conformance/test_object_stores.py`.

    Errors of the store itself are those of `ObjectStore`. Parts are numbered 1–10,000;
    all but the last are equal and at least 5 MiB, the last is no larger.
    """

    async def begin(self, key: str, *, content_type: str) -> str:
        """Return the id of a new multipart upload; its parts are put by signed URLs."""

    async def parts(self, key: str, multipart_id: str) -> list[StoredPart]:
        """Return the parts that have arrived, by number; `NotFound` if the id is unknown."""

    async def join(
        self, key: str, multipart_id: str, parts: Sequence[PartToJoin]
    ) -> StoredObject:
        """Make the object of its parts, in one step that no reader sees half of.

        Raises `NotFound` for an unknown id (it may have been joined before: ask `head`)
        and `ValidationFailed` on `parts` for one that is missing, changed, out of order
        or of the wrong size.
        """

    async def abort(self, key: str, multipart_id: str) -> None:
        """Let the parts go; an unknown id is no error."""
