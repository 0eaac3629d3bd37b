"""The parts of a file: which are put, how they are signed, and when it is given up."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from client import TransferFailed
from client.bucket import NotPermitted, Passing, SignedPut
from client.local_file import LocalFile
from client.models import UploadPromise
from client.parts import MissingParts
from client.patience import Patience

PART_BYTES = 10


class Signs:
    """A gateway that signs parts; `rounds` are the numbers it was asked for."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []

    def post(self, path: str, body: dict[str, Any], *, repeatable: bool) -> Any:
        assert (path, repeatable) == ("/v1/uploads/u%2F1/parts", True)
        self.rounds.append(body["part_numbers"])
        url = f"http://bucket/{len(self.rounds)}"
        parts = [
            {"part_number": n, "url": f"{url}/{n}", "headers": {}, "size_bytes": PART_BYTES}
            for n in body["part_numbers"]
        ]
        return {"parts": parts}


class Takes:
    """A bucket; `wrong` is what comes of the next PUTs."""

    def __init__(self, *wrong: Exception) -> None:
        self.wrong = list(wrong)
        self.bodies: dict[int, bytes] = {}
        self.put_to: list[str] = []
        self._lock = threading.Lock()

    def put(self, signed: SignedPut, body: Iterable[bytes]) -> str:
        sent = b"".join(body)
        with self._lock:
            self.put_to.append(signed.url)
            if self.wrong:
                raise self.wrong.pop(0)
            number = int(signed.url.rpartition("/")[2])
            self.bodies[number] = sent
            return f"etag-{number}"


def a_file(folder: Path, size_bytes: int) -> LocalFile:
    path = folder / "clip.mp4"
    path.write_bytes(bytes(n % 251 for n in range(size_bytes)))
    return LocalFile.of(path)


def missing(file: LocalFile, gateway: Signs, bucket: Takes, *there: tuple[int, int]) -> Any:
    count = -(-file.size_bytes // PART_BYTES)
    promise = UploadPromise.model_validate(
        {
            "upload_id": "u/1",
            "size_bytes": file.size_bytes,
            "multipart": {"part_size_bytes": PART_BYTES, "part_count": count},
            "parts": [
                {"part_number": number, "etag": f"old-{number}", "size_bytes": size_bytes}
                for number, size_bytes in there
            ],
        }
    )
    patience = Patience(lambda _: None, lambda: 0.0, tries=4)
    return MissingParts(gateway, bucket, patience, promise, file)  # type: ignore[arg-type]


def unheard(_done: int, _total: int) -> None:
    """Nobody listens."""


def test_each_part_is_its_piece_of_the_file_and_all_are_named_in_order(tmp_path):
    file, bucket = a_file(tmp_path, 25), Takes()
    parts = missing(file, Signs(), bucket).put(unheard, 3)
    whole = file.path.read_bytes()
    assert bucket.bodies == {1: whole[:10], 2: whole[10:20], 3: whole[20:]}
    assert parts == [{"part_number": n, "etag": f"etag-{n}"} for n in (1, 2, 3)]


def test_parts_that_are_there_whole_are_not_put_again_and_others_are(tmp_path):
    gateway, bucket = Signs(), Takes()
    there = ((1, PART_BYTES), (2, PART_BYTES - 1), (3, 5), (9, PART_BYTES))
    told: list[tuple[int, int]] = []
    left = missing(a_file(tmp_path, 25), gateway, bucket, *there)
    parts = left.put(lambda *each: told.append(each), 1)
    assert gateway.rounds == [[2]]
    assert [each["etag"] for each in parts] == ["old-1", "etag-2", "old-3"]
    assert told == [(15, 25), (25, 25)]


def test_nothing_is_asked_where_all_parts_are_there(tmp_path):
    gateway = Signs()
    parts = missing(a_file(tmp_path, 10), gateway, Takes(), (1, 10)).put(unheard, 4)
    assert parts == [{"part_number": 1, "etag": "old-1"}]
    assert gateway.rounds == []


def test_no_more_than_a_hundred_are_signed_at_once_and_each_once(tmp_path):
    gateway = Signs()
    missing(a_file(tmp_path, 2500), gateway, Takes()).put(unheard, 1)
    assert [len(each) for each in gateway.rounds] == [100, 100, 50]
    assert [n for each in gateway.rounds for n in each] == list(range(1, 251))


def test_a_url_that_has_expired_is_asked_for_anew_with_those_signed_beside_it(tmp_path):
    gateway, bucket = Signs(), Takes(NotPermitted("AccessDenied"))
    missing(a_file(tmp_path, 30), gateway, bucket).put(unheard, 1)
    assert gateway.rounds == [[1, 2, 3], [1, 2, 3]]
    assert bucket.put_to == [f"http://bucket/{at}" for at in ("1/1", "2/1", "2/2", "2/3")]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (Passing(), "part 1 of clip.mp4 broke off$"),
        (Passing("SlowDown"), "part 1 of clip.mp4 broke off: SlowDown$"),
        (NotPermitted("AccessDenied"), "part 1 of clip.mp4 broke off: AccessDenied$"),
    ],
    ids=["cut", "busy", "denied"],
)
def test_a_part_is_given_up_after_four_tries(tmp_path, wrong, why):
    bucket = Takes(*(wrong for _ in range(5)))
    with pytest.raises(TransferFailed, match=why):
        missing(a_file(tmp_path, 10), Signs(), bucket).put(unheard, 1)
    assert len(bucket.put_to) == 4


def test_progress_goes_back_by_what_did_not_arrive_and_ends_at_the_whole(tmp_path):
    told: list[int] = []
    bucket = Takes(Passing())
    missing(a_file(tmp_path, 20), Signs(), bucket).put(lambda done, _: told.append(done), 1)
    assert told == [0, 10, 0, 10, 20]


def test_a_part_that_fails_ends_those_that_have_not_begun(tmp_path):
    bucket = Takes(TransferFailed("no"))
    with pytest.raises(TransferFailed, match="no"):
        missing(a_file(tmp_path, 1000), Signs(), bucket).put(unheard, 1)
    assert bucket.put_to == ["http://bucket/1/1"]
