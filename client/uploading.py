"""A file's way into the bucket: promised, put whole or in parts, taken up again, completed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from client.api_calls import ApiCalls
from client.bucket import Bucket, NotPermitted, OnProgress, Passing, SignedPut
from client.errors import ApiProblem, TransferFailed
from client.local_file import LocalFile
from client.models import Asset, UploadPromise, read
from client.parts import MissingParts
from client.patience import Patience

MULTIPART_FROM_BYTES = 64 * 2**20
WORKERS = 4


@dataclass(frozen=True, slots=True)
class Uploading:
    """Uploads of one gateway. `patience` is with the bucket."""

    calls: ApiCalls
    bucket: Bucket
    patience: Patience
    multipart_from_bytes: int
    workers: int

    def begin(
        self, file: LocalFile, content_type: str | None, duration_s: float | None
    ) -> UploadPromise:
        """Return a new upload for a file."""
        in_parts = file.size_bytes >= self.multipart_from_bytes
        asked: dict[str, Any] = {
            "filename": file.path.name,
            "content_type": content_type or file.content_type,
            "size_bytes": file.size_bytes,
        }
        if duration_s is not None:
            asked["duration_s"] = duration_s
        # The store checks the hash of one PUT; of a whole put in parts it checks none.
        asked |= {"multipart": True} if in_parts else {"sha256": file.sha256()}
        return read(UploadPromise, self.calls.post("/v1/uploads", asked))

    def begun(self, upload_id: str, file: LocalFile) -> UploadPromise:
        """Return an upload begun earlier, with the parts that have arrived.

        Raises `TransferFailed` where it was for a file of another length, or is over.
        """
        promise = read(UploadPromise, self.calls.get(path_of(upload_id)))
        if promise.size_bytes != file.size_bytes:
            raise TransferFailed(f"upload {upload_id} was begun with a file of another length")
        if promise.status == "aborted":
            raise TransferFailed(f"upload {upload_id} was aborted; begin a new one")
        return promise

    def finish(self, promise: UploadPromise, file: LocalFile, tell: OnProgress) -> Asset:
        """Put what is missing and return the asset. Raises `TransferFailed`."""
        if promise.status == "complete":
            return self._complete(promise, {})
        if promise.multipart is None:
            return self._put_whole(promise, file, tell)
        missing = MissingParts(self.calls, self.bucket, self.patience, promise, file)
        parts = missing.put(tell, self.workers)
        file.check_unchanged()
        return self._complete(promise, {"parts": parts})

    def _put_whole(self, promise: UploadPromise, file: LocalFile, tell: OnProgress) -> Asset:
        """Put, and where it is not known whether it arrived ask the gateway."""
        if promise.url is None:
            raise TransferFailed(f"upload {promise.upload_id} has expired; begin a new one")
        name = file.path.name
        signed = SignedPut(promise.url, promise.headers, file.size_bytes, name)
        failed = 0
        while True:
            if self._arrived(signed, file, tell):
                return self._complete(promise, {})
            try:
                return self._complete(promise, {})
            except ApiProblem as problem:
                if problem.code != "object_missing":
                    raise
            failed += 1
            pause_s = self.patience.pause_s(failed)
            if pause_s is None:
                raise TransferFailed(f"the upload of {name} broke off")
            self.patience.sleep(pause_s)

    def _arrived(self, signed: SignedPut, file: LocalFile, tell: OnProgress) -> bool:
        """Put once; True where it is there, False where that is not known."""
        try:
            self.bucket.put(signed, _told(file, tell))
        except Passing:
            return False
        except NotPermitted as error:
            raise TransferFailed(f"the bucket refused {signed.name}: {error}") from error
        return True

    def _complete(self, promise: UploadPromise, body: Mapping[str, Any]) -> Asset:
        path = f"{path_of(promise.upload_id)}/complete"
        # Repeated or raced, it gives the same asset.
        return read(Asset, self.calls.post(path, body, repeatable=True))


def path_of(upload_id: str) -> str:
    """Return where an upload is at the gateway, whatever its id holds."""
    return f"/v1/uploads/{quote(upload_id, safe='')}"


def _told(file: LocalFile, tell: OnProgress) -> Iterator[bytes]:
    sent = 0
    tell(0, file.size_bytes)
    for piece in file.pieces(0, file.size_bytes):
        yield piece
        sent += len(piece)
        tell(sent, file.size_bytes)
