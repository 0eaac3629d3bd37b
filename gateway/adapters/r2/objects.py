"""The bucket through boto3, in threads; boto3 is imported by the first call.

It costs a second of start-up, which a status poll must not pay for.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Self, TypeVar

from typing_extensions import override

from gateway.ports.multipart_store import MultipartStore, PartToJoin, StoredPart
from gateway.ports.object_store import ObjectStore, StoredObject
from shared.errors import (
    Conflict,
    CutroomError,
    FieldError,
    NotFound,
    OperatorMustAct,
    TryAgainLater,
    ValidationFailed,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from types_boto3_s3.client import S3Client

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 20
TOTAL_ATTEMPTS = 3
PAGE = 1000

_T = TypeVar("_T")
_BAD_PARTS = frozenset({"EntityTooSmall", "InvalidPart", "InvalidPartOrder"})


class R2ObjectStore(ObjectStore, MultipartStore):
    """One bucket, as the gateway itself reaches it; an async context manager."""

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
    ) -> None:
        self._endpoint_url = endpoint_url
        self._bucket = bucket
        self._access_key_id = access_key_id
        self._secret_access_key = secret_access_key
        self._region = region
        self._timeouts_s = (connect_timeout_s, read_timeout_s)
        self._opening = threading.Lock()
        self._client: S3Client | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await asyncio.to_thread(self._client.close)

    @override
    async def head(self, key: str) -> StoredObject | None:
        return await self._in_thread(lambda s3: self._head(s3, key))

    @override
    async def read_range(self, key: str, start: int, length: int) -> bytes:
        if start < 0 or length < 1:
            raise ValueError(f"no range: {length} bytes from {start}")

        def read(s3: "S3Client") -> bytes:
            asked = f"bytes={start}-{start + length - 1}"
            answer = s3.get_object(Bucket=self._bucket, Key=key, Range=asked)
            with answer["Body"] as body:
                if not answer.get("ContentRange", "").startswith(f"bytes {start}-"):
                    raise _operator(f"the store ignores Range on {self._bucket}")
                return body.read()

        return await self._in_thread(read, {"InvalidRange": b""}, key=key)

    @override
    async def put_file(
        self, key: str, file: BinaryIO, *, content_type: str, size_bytes: int
    ) -> StoredObject:
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

        return await self._in_thread(put, key=key)

    @override
    async def delete(self, key: str) -> None:
        await self._in_thread(lambda s3: s3.delete_object(Bucket=self._bucket, Key=key))

    @override
    async def list_keys(self, prefix: str, after: str | None, limit: int) -> list[str]:
        def listed(s3: "S3Client") -> list[str]:
            keys: list[str] = []
            token: dict[str, str] = {"StartAfter": after} if after else {}
            while len(keys) < limit:
                page = s3.list_objects_v2(
                    Bucket=self._bucket,
                    Prefix=prefix,
                    MaxKeys=min(PAGE, limit - len(keys)),
                    **token,  # type: ignore[arg-type]  # the stubs want a TypedDict
                )
                keys += [each["Key"] for each in page.get("Contents", [])]
                if not page["IsTruncated"]:
                    break
                token = {"ContinuationToken": page["NextContinuationToken"]}
            return keys

        return await self._in_thread(listed)

    @override
    async def check(self) -> None:
        def ask(s3: "S3Client") -> None:
            s3.head_bucket(Bucket=self._bucket)

        try:
            await self._in_thread(ask)
        except NotFound as error:
            raise _operator(f"there is no bucket {self._bucket}") from error

    @override
    async def begin(self, key: str, *, content_type: str) -> str:
        def create(s3: "S3Client") -> str:
            return s3.create_multipart_upload(
                Bucket=self._bucket, Key=key, ContentType=content_type
            )["UploadId"]

        return await self._in_thread(create)

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

        return await self._in_thread(listed, key=key)

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
            joined = self._head(s3, key)
            if joined is None:
                raise _not_found(key)
            return joined

        return await self._in_thread(complete, key=key)

    @override
    async def abort(self, key: str, multipart_id: str) -> None:
        def let_go(s3: "S3Client") -> None:
            s3.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=multipart_id)

        await self._in_thread(let_go, {"NoSuchUpload": None})

    def _head(self, s3: "S3Client", key: str) -> StoredObject | None:
        from botocore.exceptions import ClientError  # noqa: PLC0415  # with boto3, not before

        try:
            said = s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if _status(error) == 404:
                return None
            raise
        return StoredObject(
            key, said["ContentLength"], _bare(said["ETag"]), said["ContentType"]
        )
