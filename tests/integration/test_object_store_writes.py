"""The local store: nothing half, nothing lost, nothing held in memory, nothing for ever."""

import asyncio
import hashlib
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from infra.local.object_store import LifecycleRule, build_store
from infra.local.object_store.lifecycle import Swept
from tests.support.buckets import (
    BUCKET,
    KEY_ID,
    SECRET,
    LocalStore,
    MovableClock,
    local_store,
)

MIB = 2**20


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    rules = (LifecycleRule("scratch/", 3600),)
    with local_store(tmp_path, lifecycle=rules) as served:
        yield served


@pytest.fixture
def s3(store: LocalStore) -> Iterator[Any]:
    client = store.boto()
    yield client
    client.close()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield client


def _version(number: int) -> bytes:
    """A body of more than one block that shows any mixture: each byte is the version's."""
    return bytes([number]) * (270_000 + number)


async def _read_until(written: asyncio.Event, url: httpx.URL) -> set[int]:
    """Read the object over one connection, again and again; return the versions seen."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    ask = f"GET {url.raw_path.decode()} HTTP/1.1\r\nHost: {url.netloc.decode()}\r\n\r\n"
    seen = set()
    while not written.is_set():
        writer.write(ask.encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(re.search(r"content-length: (\d+)", head)[1])
        body = await reader.readexactly(length)
        assert head.startswith("HTTP/1.1 200 ")
        assert body == _version(body[0])
        assert f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"' in head
        seen.add(body[0])
    writer.close()
    await writer.wait_closed()
    return seen


@pytest.mark.parametrize(("readers", "writes"), [(2, 100), (50, 4)])
async def test_d145_readers_see_only_whole_objects_while_they_are_written(
    store: LocalStore, http: httpx.AsyncClient, readers: int, writes: int
) -> None:
    signer = store.signer()
    url = httpx.URL(signer.sign_get("k", expires_s=300).url)
    put = signer.sign_put("k", expires_s=300, content_type="video/mp4")
    await http.put(put.url, content=_version(0), headers=put.headers)
    written = asyncio.Event()

    async with asyncio.TaskGroup() as tasks:
        loops = [tasks.create_task(_read_until(written, url)) for _ in range(readers)]
        for number in range(1, writes + 1):
            answer = await http.put(put.url, content=_version(number), headers=put.headers)
            assert answer.status_code == 200
        written.set()

    assert len(set.union(*(loop.result() for loop in loops))) > 1


async def test_a_reader_keeps_what_it_opened_when_it_is_replaced(
    store: LocalStore, s3: Any, http: httpx.AsyncClient
) -> None:
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"a" * 8 * MIB)
    url = store.signer().sign_get("k", expires_s=60).url
    async with http.stream("GET", url) as answer:
        chunks = answer.aiter_bytes()
        first = await anext(chunks)
        await asyncio.to_thread(s3.put_object, Bucket=BUCKET, Key="k", Body=b"b")
        await asyncio.to_thread(s3.delete_object, Bucket=BUCKET, Key="k")
        rest = b"".join([chunk async for chunk in chunks])
    assert first + rest == b"a" * 8 * MIB


async def test_of_many_write_once_puts_one_wins(
    store: LocalStore, http: httpx.AsyncClient
) -> None:
    signed = store.signer().sign_put(
        "k", expires_s=60, content_type="video/mp4", write_once=True
    )
    bodies = [bytes([number]) * 200_000 for number in range(20)]
    answers = await asyncio.gather(
        *(http.put(signed.url, content=body, headers=signed.headers) for body in bodies)
    )
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [200] + [412] * 19
    stored = await http.get(store.signer().sign_get("k", expires_s=60).url)
    assert stored.content == bodies[statuses.index(200)]


def test_the_bytes_go_to_disk_as_they_come(tmp_path: Path) -> None:
    """At no time does the store hold more than two blocks of a body."""
    app = build_store(tmp_path, keys={KEY_ID: SECRET}, buckets=[BUCKET], clock=MovableClock())
    drafts = tmp_path / BUCKET / "incoming"
    lag = [0]
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(32 * 16):
            on_disk = sum(path.stat().st_size for path in drafts.iterdir())
            lag.append(sent - on_disk)
            sent += 65536
            yield b"x" * 65536

    async def put() -> httpx.Response:
        store = LocalStore("http://store", app, MovableClock(), None, tmp_path)
        signed = store.signer().sign_put(
            "k", expires_s=60, content_type="video/mp4", size_bytes=32 * MIB
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.put(signed.url, content=body(), headers=signed.headers)

    answer = asyncio.run(put())
    assert answer.status_code == 200
    assert max(lag) <= 2 * MIB


# --- over restarts ---


def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    with local_store(tmp_path) as first:
        s3 = first.boto()
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"kept", ContentType="image/png")
        upload = s3.create_multipart_upload(Bucket=BUCKET, Key="m")["UploadId"]
        part = s3.upload_part(
            Bucket=BUCKET, Key="m", UploadId=upload, PartNumber=1, Body=b"part"
        )
    with local_store(tmp_path) as second:
        s3 = second.boto()
        read = s3.get_object(Bucket=BUCKET, Key="k")
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        s3.complete_multipart_upload(
            Bucket=BUCKET, Key="m", UploadId=upload, MultipartUpload=parts
        )
        assert (read["Body"].read(), read["ContentType"]) == (b"kept", "image/png")
        assert s3.get_object(Bucket=BUCKET, Key="m")["Body"].read() == b"part"


@pytest.mark.processes
def test_a_store_killed_in_the_middle_of_a_put_keeps_the_old_object(tmp_path: Path) -> None:
    drafts = tmp_path / BUCKET / "incoming"
    command = [sys.executable, "-m", "tests.support.store_child", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        base_url = child.stdout.readline().strip()
        store = LocalStore(base_url, None, MovableClock(), None, tmp_path)
        store.boto().put_object(Bucket=BUCKET, Key="k", Body=b"old")
        signed = store.signer().sign_put("k", expires_s=60, content_type="video/mp4")

        def half_then_kill() -> Iterator[bytes]:
            yield b"new" * MIB
            while not any(drafts.iterdir()):
                time.sleep(0.005)
            child.kill()
            child.wait()
            yield b"new" * MIB

        length = {"content-length": str(6 * MIB)}
        with pytest.raises(httpx.TransportError):
            httpx.put(
                signed.url, content=half_then_kill(), headers={**signed.headers, **length}
            )
    left = list(drafts.iterdir())
    with local_store(tmp_path) as again:
        read = again.boto().get_object(Bucket=BUCKET, Key="k")["Body"].read()
    assert (read, len(left)) == (b"old", 1)
    assert list(drafts.iterdir()) == []


# --- in parts, by boto3 ---


def test_boto3_uploads_a_large_file_in_parts(s3: Any) -> None:
    body = b"".join(bytes([number]) * MIB for number in range(13))
    s3.upload_fileobj(
        BytesIO(body),
        BUCKET,
        "large",
        ExtraArgs={"ContentType": "video/mp4", "Metadata": {"a": "b"}},
        Config=TransferConfig(multipart_threshold=MIB, multipart_chunksize=5 * MIB),
    )
    read = s3.get_object(Bucket=BUCKET, Key="large")
    parts = [body[at : at + 5 * MIB] for at in range(0, len(body), 5 * MIB)]
    digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in parts)
    etag = hashlib.md5(digests, usedforsecurity=False).hexdigest()
    assert read["Body"].read() == body
    assert (read["ETag"], read["ContentType"]) == (f'"{etag}-3"', "video/mp4")
    assert read["Metadata"] == {"a": "b"}


def test_a_part_is_not_put_as_another_one(store: LocalStore, s3: Any) -> None:
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="k")["UploadId"]
    params = {"Bucket": BUCKET, "Key": "k", "UploadId": upload, "PartNumber": 1}
    url = s3.generate_presigned_url("upload_part", Params=params)
    other = s3.create_multipart_upload(Bucket=BUCKET, Key="k")["UploadId"]
    for tampered in (url.replace("partNumber=1", "partNumber=2"), url.replace(upload, other)):
        assert httpx.put(tampered, content=b"x").status_code == 403
    assert httpx.put(url, content=b"x").status_code == 200
    assert s3.list_parts(Bucket=BUCKET, Key="k", UploadId=upload)["Parts"][0]["Size"] == 1


def test_parts_can_be_joined_write_once(s3: Any) -> None:
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="k")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"first")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.complete_multipart_upload(
            Bucket=BUCKET, Key="k", UploadId=upload, MultipartUpload=parts, IfNoneMatch="*"
        )
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"first"


# --- lifecycle ---


async def test_old_scratch_and_stale_uploads_are_swept(store: LocalStore, s3: Any) -> None:
    for key in ("scratch/old", "kept/old"):
        await asyncio.to_thread(s3.put_object, Bucket=BUCKET, Key=key, Body=b"x")
    stale = await asyncio.to_thread(s3.create_multipart_upload, Bucket=BUCKET, Key="stale")
    now = store.clock.now()

    too_early = await store.app.sweep(now)
    an_hour_later = await store.app.sweep(now + timedelta(hours=1))
    a_week_later = await store.app.sweep(now + timedelta(days=7))

    listed = await asyncio.to_thread(s3.list_objects_v2, Bucket=BUCKET)
    assert (too_early, an_hour_later, a_week_later) == (Swept(0, 0), Swept(1, 0), Swept(0, 1))
    assert [each["Key"] for each in listed["Contents"]] == ["kept/old"]
    with pytest.raises(ClientError, match="NoSuchUpload"):
        await asyncio.to_thread(
            s3.list_parts, Bucket=BUCKET, Key="stale", UploadId=stale["UploadId"]
        )


@pytest.mark.parametrize("name", ["ab", "Upper", "-dash", "a/b", "..", "dot.ted", "a" * 64])
def test_a_bucket_is_named_as_r2_allows(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="bucket"):
        build_store(tmp_path, keys={}, buckets=[name])
