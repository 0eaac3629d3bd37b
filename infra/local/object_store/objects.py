"""One bucket on disk: objects by the hash of their key, written out of sight first.

    <root>/objects/<sha256 of the key>     sealed files
    <root>/incoming/<random>               drafts; emptied at the start
    <root>/multipart/<upload id>/          see `multipart.py`

A key never becomes a path. One process at a time owns a root.
"""

import hashlib
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from infra.local.object_store.refusal import Refusal
from infra.local.object_store.sealed import Draft, Record, read_record, sync_folder

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")  # R2's rule


def bucket_name(name: str) -> str:
    """Return the name, which is also a folder's; `ValueError` where R2 takes no such."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a bucket")
    return name


class Bucket:
    """Blocking throughout: the app calls it in threads."""

    def __init__(self, root: Path) -> None:
        self.multipart_root = root / "multipart"
        self._objects = root / "objects"
        self._incoming = root / "incoming"
        shutil.rmtree(self._incoming, ignore_errors=True)  # drafts of a process that died
        for folder in (self._objects, self._incoming, self.multipart_root):
            folder.mkdir(parents=True, exist_ok=True)

    def draft(self) -> Draft:
        """Return a new file to write to; publish or discard it."""
        return Draft(self._unseen())

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder in one step; what still wants to write there finds nothing."""
        unseen = self._unseen()
        try:
            folder.rename(unseen)
        except FileNotFoundError:
            return
        shutil.rmtree(unseen)

    def publish(self, draft: Draft, record: Record, *, only_if_absent: bool = False) -> None:
        """Make the draft the object of `record.key`; `Refusal` 412 where it may not be."""
        try:
            draft.publish(self._place(record.key), record, only_if_absent=only_if_absent)
        except FileExistsError as error:
            raise taken() from error

    def has(self, key: str) -> bool:
        """True where an object is stored under the key."""
        return self._place(key).exists()

    def open(self, key: str) -> tuple[BinaryIO, Record]:
        """Return the object, open at no particular place, with its record.

        What is open stays whole when it is replaced or deleted. `Refusal` 404 where
        nothing is stored.
        """
        try:
            file = self._place(key).open("rb")
        except FileNotFoundError as error:
            raise Refusal(404, "NoSuchKey", "The specified key does not exist.") from error
        with ExitStack() as opened:
            opened.enter_context(file)
            record = read_record(file)
            opened.pop_all()
        return file, record

    def delete(self, key: str) -> None:
        """Remove the object; nothing there is no error."""
        self._place(key).unlink(missing_ok=True)
        sync_folder(self._objects)

    def records(self) -> Iterator[Record]:
        """Yield what is stored, in no order; what goes away meanwhile is left out."""
        for place in self._objects.iterdir():
            try:
                with place.open("rb") as file:
                    yield read_record(file)
            except FileNotFoundError:
                continue

    def _unseen(self) -> Path:
        return self._incoming / secrets.token_hex(16)

    def _place(self, key: str) -> Path:
        return self._objects / hashlib.sha256(key.encode()).hexdigest()


def taken() -> Refusal:
    """The answer to a write-once PUT of a key that is taken."""
    return Refusal(412, "PreconditionFailed", "An object is stored under this key.")
