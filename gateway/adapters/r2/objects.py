"""The bucket through boto3, in threads; boto3 is imported by the first call.

It costs a second of start-up, which a status poll must not pay for.
"""

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, BinaryIO, Self, TypeVar

from typing_extensions import override

from gateway.core.figures import CallFigures, Outcome
from gateway.ports.multipart_store import MultipartStore, PartToJoin, StoredPart
from gateway.ports.object_store import ObjectStore, StoredObject
from shared.errors import Conflict, CutroomError, NotFound, OperatorMustAct, TryAgainLater

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client
    from types_boto3_s3.type_defs import PaginatorConfigTypeDef

PEER = "store"  # as its calls are counted
CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 20.0
PAGE = 1000

_T = TypeVar("_T")


class R2ObjectStore(ObjectStore, MultipartStore):
    """One bucket, as the gateway itself reaches it; an async context manager.

    `calls`: where each call is counted, by its name. `seconds`: a clock that only goes forward.
    """

    def __init__(
        self,
        *,
        endpoint_url: str,
        bucket: str,
        access_key_id: str,
        secret_access_key: str,
        region: str = "auto",
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        calls: CallFigures | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint_url = endpoint_url
        self._bucket = bucket
        self._keys = (access_key_id, secret_access_key)
        self._region = region
        self._timeouts_s = (connect_timeout_s, read_timeout_s)
        self.calls = calls or CallFigures()
        self._seconds = seconds
        self._opening = threading.Lock()
        self._client: S3Client | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await asyncio.to_thread(self._client.close)

    @override
    async def head(self, key: str) -> StoredObject | None:
        try:
            return await self._in_thread(f"head {key}", lambda s3: self._head(s3, key))
        except NotFound:
            return None

    @override
    async def read_range(self, key: str, start: int, length: int) -> bytes:
        if start < 0 or length < 1:
            raise ValueError(f"no range: {length} bytes from {start}")
        return await self._in_thread(
            f"read {key}", lambda s3: self._read_range(s3, key, start, length)
        )

    @override
    async def put_file(
        self, key: str, file: BinaryIO, *, content_type: str, size_bytes: int
    ) -> StoredObject:
        begins_at = file.tell()

        def put(s3: "S3Client") -> StoredObject:
            answer = s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=file,
                ContentType=content_type,
                ContentLength=size_bytes,
                IfNoneMatch="*",
            )
            return StoredObject(key, size_bytes, _bare(answer["ETag"]), content_type)

        try:
            return await self._in_thread(f"put {key}", put)
        except Conflict:
            # Perhaps our own: boto3 repeats a PUT whose answer was lost.
            stored = await self.head(key)
            if stored is None or stored.etag != await asyncio.to_thread(_md5, file, begins_at):
                raise
            return stored

    @override
    async def delete(self, key: str) -> None:
        def delete(s3: "S3Client") -> None:
            s3.delete_object(Bucket=self._bucket, Key=key)

        await self._in_thread(f"delete {key}", delete)

    @override
    async def list_keys(self, prefix: str, after: str | None, limit: int) -> list[str]:
        return await self._in_thread(
            f"list {prefix}", lambda s3: self._list(s3, prefix, after, limit)
        )

    @override
    async def check(self) -> None:
        def ask(s3: "S3Client") -> None:
            s3.head_bucket(Bucket=self._bucket)

        try:
            await self._in_thread("check", ask)
        except NotFound as error:
            raise OperatorMustAct(
                f"there is no bucket {self._bucket}", public="The file store has no bucket."
            ) from error

    @override
    async def begin(self, key: str, *, content_type: str) -> str:
        def create(s3: "S3Client") -> str:
            return s3.create_multipart_upload(
                Bucket=self._bucket, Key=key, ContentType=content_type
            )["UploadId"]

        return await self._in_thread(f"begin {key}", create)

    @override
    async def parts(self, key: str, multipart_id: str) -> list[StoredPart]:
        def listed(s3: "S3Client") -> list[StoredPart]:
            pages = s3.get_paginator("list_parts").paginate(
                Bucket=self._bucket, Key=key, UploadId=multipart_id
            )
            return [
                StoredPart(part["PartNumber"], _bare(part["ETag"]), part["Size"])
                for page in pages
                for part in page.get("Parts", [])
            ]

        return await self._in_thread(f"parts of {key}", listed)

    @override
    async def join(
        self, key: str, multipart_id: str, parts: Sequence[PartToJoin]
    ) -> StoredObject:
        def complete(s3: "S3Client") -> StoredObject:
            s3.complete_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                UploadId=multipart_id,
                MultipartUpload={
                    "Parts": [{"PartNumber": p.part_number, "ETag": p.etag} for p in parts]
                },
            )
            return self._head(s3, key)

        return await self._in_thread(f"join {key}", complete)

    @override
    async def abort(self, key: str, multipart_id: str) -> None:
        def let_go(s3: "S3Client") -> None:
            s3.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=multipart_id)

        try:
            await self._in_thread(f"abort {key}", let_go)
        except NotFound:
            return

    def _head(self, s3: "S3Client", key: str) -> StoredObject:
        said = s3.head_object(Bucket=self._bucket, Key=key)
        return StoredObject(
            key, said["ContentLength"], _bare(said["ETag"]), said["ContentType"]
        )

    def _read_range(self, s3: "S3Client", key: str, start: int, length: int) -> bytes:
        asked = f"bytes={start}-{start + length - 1}"
        try:
            answer = s3.get_object(Bucket=self._bucket, Key=key, Range=asked)
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] == "InvalidRange":
                return b""
            raise
        with closing(answer["Body"]) as body:
            if not answer.get("ContentRange", "").startswith(f"bytes {start}-"):
                raise OperatorMustAct(  # read on, it would be gigabytes
                    f"the store of {self._bucket} ignores Range",
                    public="The file store is not set up as it must be.",
                )
            return body.read()

    def _list(self, s3: "S3Client", prefix: str, after: str | None, limit: int) -> list[str]:
        pager = s3.get_paginator("list_objects_v2")
        cut: PaginatorConfigTypeDef = {"MaxItems": limit, "PageSize": min(limit, PAGE)}
        pages = (
            pager.paginate(Bucket=self._bucket, Prefix=prefix, PaginationConfig=cut)
            if after is None
            else pager.paginate(
                Bucket=self._bucket, Prefix=prefix, StartAfter=after, PaginationConfig=cut
            )
        )
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    async def _in_thread(self, what: str, call: "Callable[[S3Client], _T]") -> _T:
        def run() -> _T:
            from gateway.adapters.r2 import boto  # noqa: PLC0415  # a second, once

            with self._opening:
                if self._client is None:
                    self._client = boto.open_client(
                        self._endpoint_url, *self._keys, self._region, self._timeouts_s
                    )
            with boto.told_as_ours(what):
                return call(self._client)

        began_at_s, outcome = self._seconds(), Outcome.NO_ANSWER
        try:
            answer = await asyncio.to_thread(run)
            outcome = Outcome.OK
        except CutroomError as error:
            outcome = _outcome_of(error)
            raise
        finally:
            name, _, _ = what.partition(" ")
            self.calls.note(PEER, name, outcome, self._seconds() - began_at_s)
        return answer


def _outcome_of(error: CutroomError) -> Outcome:
    match error:
        case NotFound():
            return Outcome.NOT_FOUND
        case TryAgainLater():
            return Outcome.UNAVAILABLE
        case _:
            return Outcome.REFUSED


def _bare(etag: str) -> str:
    return etag.strip('"')


def _md5(file: BinaryIO, begins_at: int) -> str:
    file.seek(begins_at)
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := file.read(2**20):
        digest.update(chunk)
    return digest.hexdigest()
