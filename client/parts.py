"""The parts of a large file: signed in batches, put by a few threads, repeated one by one."""

import threading
from bisect import bisect_left
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any
from urllib.parse import quote

from client.api_calls import ApiCalls
from client.bucket import Bucket, NotPermitted, OnProgress, Passing, SignedPut
from client.errors import TransferFailed, Unreachable
from client.local_file import LocalFile
from client.models import Multipart, SignedParts, UploadPromise, read
from client.patience import Patience

BATCH = 100  # the most that one request may ask for


class _Ended(Exception):
    """Another part failed, or the caller has gone: this one need not go on."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """So much of a part is on its way."""

    part_number: int
    so_far_bytes: int


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A part is there."""

    part_number: int
    etag: str


_News = SimpleQueue["_Sent | Future[_Arrived]"]


class MissingParts:
    """What is left to be put of one upload in parts.

    Of the file no more than a piece for each worker is in memory.
    """

    def __init__(
        self,
        calls: ApiCalls,
        bucket: Bucket,
        patience: Patience,
        promise: UploadPromise,
        file: LocalFile,
    ) -> None:
        if promise.multipart is None:
            raise ValueError(f"{promise.upload_id} is one PUT")
        self._bucket, self._patience, self._file = bucket, patience, file
        self._shape = promise.multipart
        self._etags = self._there_already(promise)
        numbers = range(1, self._shape.part_count + 1)
        self._missing = [each for each in numbers if each not in self._etags]
        self._urls = _Urls(calls, promise.upload_id, self._missing, file.path.name)
        self._ending = threading.Event()
        self._news: _News = SimpleQueue()

    def put(self, tell: OnProgress, workers: int) -> list[dict[str, Any]]:
        """Put them and return all parts, as `complete` wants them.

        `tell` is called in the caller's thread; what it raises ends the upload, whose
        parts stay. Raises `TransferFailed`, and what signing raises.
        """
        with ThreadPoolExecutor(workers, "part") as pool:
            try:
                for number in self._missing:
                    pool.submit(self._put, number).add_done_callback(self._news.put)
                self._hear(tell)
            except BaseException:
                self._ending.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [
            {"part_number": number, "etag": self._etags[number]}
            for number in sorted(self._etags)
        ]

    def _there_already(self, promise: UploadPromise) -> dict[int, str]:
        return {
            part.part_number: part.etag
            for part in promise.parts or ()
            if part.size_bytes == _bytes_of(self._shape, part.part_number, self._file)
        }

    def _hear(self, tell: OnProgress) -> None:
        """Pass on how far it is until every part has arrived."""
        in_all, so_far = self._file.size_bytes, dict.fromkeys(self._missing, 0)
        missing = sum(_bytes_of(self._shape, each, self._file) for each in self._missing)
        done = in_all - missing
        tell(done, in_all)
        waiting = len(self._missing)
        while waiting:
            news = self._news.get()
            if isinstance(news, Future):
                if isinstance(news.exception(), _Ended):
                    continue  # why it had to end comes from the part that failed
                arrived = news.result()
                self._etags[arrived.part_number] = arrived.etag
                waiting -= 1
                continue
            done += news.so_far_bytes - so_far[news.part_number]
            so_far[news.part_number] = news.so_far_bytes
            tell(done, in_all)

    def _put(self, number: int) -> _Arrived:
        """Put one part; where that fails, none begins after it, whoever hears of it when."""
        try:
            return self._put_patiently(number)
        except BaseException:
            self._ending.set()
            raise

    def _put_patiently(self, number: int) -> _Arrived:
        """Put one part, again and under another URL where that may help."""
        failed, why = 0, ""
        while not self._ending.is_set():
            signed = self._urls.of(number)
            try:
                etag = self._bucket.put(signed, self._pieces(number))
            except NotPermitted as error:
                self._urls.forget(number, signed)  # it may have expired
                why = f": {error}"
            except Passing as error:
                why = f": {error}" if error.args else ""
            else:
                return _Arrived(number, etag or "")
            failed += 1
            self._news.put(_Sent(number, 0))
            pause_s = self._patience.pause_s(failed)
            if pause_s is None:
                raise TransferFailed(f"part {number} of {signed.name} broke off{why}")
            self._patience.sleep(pause_s)
        raise _Ended

    def _pieces(self, number: int) -> Iterator[bytes]:
        begin = (number - 1) * self._shape.part_size_bytes
        sent = 0
        for piece in self._file.pieces(begin, _bytes_of(self._shape, number, self._file)):
            if self._ending.is_set():
                raise _Ended
            yield piece
            sent += len(piece)
            self._news.put(_Sent(number, sent))


class _Urls:
    """URLs of parts, asked for a batch at a time as they come to be needed."""

    def __init__(self, calls: ApiCalls, upload_id: str, wanted: list[int], name: str) -> None:
        self._calls, self._wanted, self._name = calls, wanted, name
        self._path = f"/v1/uploads/{quote(upload_id, safe='')}/parts"
        self._signed: dict[int, SignedPut] = {}
        self._lock = threading.Lock()

    def of(self, number: int) -> SignedPut:
        """Return where a part goes; ask for it and those behind it if that is not known."""
        with self._lock:
            if number not in self._signed:
                at = bisect_left(self._wanted, number)
                self._signed = self._asked(self._wanted[at : at + BATCH])
            return self._signed[number]

    def forget(self, number: int, signed: SignedPut) -> None:
        """Ask again, unless that was done since: what was signed together dies together."""
        with self._lock:
            if self._signed.get(number) is signed:
                self._signed = {}

    def _asked(self, numbers: list[int]) -> dict[int, SignedPut]:
        # Signing changes nothing, so it may be repeated.
        answer = self._calls.post(self._path, {"part_numbers": numbers}, repeatable=True)
        signed = {
            each.part_number: SignedPut(each.url, each.headers, each.size_bytes, self._name)
            for each in read(SignedParts, answer).parts
        }
        if not signed.keys() >= set(numbers):
            raise Unreachable("the server did not sign every part")
        return signed


def _bytes_of(shape: Multipart, number: int, file: LocalFile) -> int:
    begin = (number - 1) * shape.part_size_bytes
    return max(0, min(shape.part_size_bytes, file.size_bytes - begin))
