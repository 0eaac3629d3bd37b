"""I10: the worker holds no bucket credentials: every URL it has is for one key, one method,
one type, and expires."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from gpu_worker.settings import WorkerSettings
from shared.work import MANIFEST
from tests.support.house import House, a_house, an_output
from tests.support.signed_bucket import BASE_URL, BUCKET, SECRET
from tests.support.world import VIDEO
from tests.support.wrong_ports import InTheWay, with_signer

METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD", "PATCH")
# Past an attempt's deadline a transfer may still be on its way, for so long and no longer.
MARGIN_S = 60


@dataclass(frozen=True, slots=True)
class Held:
    """One URL a worker was given: for which method, with what to send."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def key(self) -> str:
        return urlsplit(self.url).path.removeprefix(f"/{BUCKET}/")


@dataclass(frozen=True, slots=True)
class Given:
    """All that a worker has ever been told, and the URLs in it."""

    said: list[Any]
    held: list[Held]
    deadline_at: datetime


async def an_input(house: House) -> str:
    """Upload a file as a browser does; return its asset."""
    body = b"\0\0\0\x18ftypisom\0\0\2\0isommp42" + bytes(100)
    asked = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": len(body)}
    upload = (await house.http[0].post("/v1/uploads", json=asked)).json()
    await house.objects.put(upload["url"], body, upload["headers"])
    done = await house.http[1].post(f"/v1/uploads/{upload['upload_id']}/complete", json={})
    return str(done.json()["asset_id"])


async def everything_given(house: House) -> Given:
    """Live an attempt up to its last word, noting every answer."""
    source = {"asset_id": await an_input(house)}
    worker = await house.dispatched(input={"n": 1, "source": source})
    order = (await worker.claim()).json()
    said: list[Any] = [dict(worker.request.input), order]
    said.append((await worker.report("progress", stage="render", progress=0.5)).json())
    gets = [Held("GET", each["url"], each["headers"]) for each in order["files"]]
    puts = []
    for name, body in (("video", VIDEO), (MANIFEST, b"{}")):
        answer = (await worker.outputs([an_output(name, body)])).json()
        said.append(answer)
        [put] = answer["puts"]
        puts.append(Held("PUT", put["url"], put["headers"], body))
    deadline_at = datetime.fromisoformat(order["deadline_at"])
    return Given(said, [*gets, *puts], deadline_at)


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text in an answer, names too."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield str(name)
            yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)
    elif isinstance(value, str):
        yield value


async def asked(house: House, held: Held, **other: Any) -> httpx.Response:
    """Use a URL, or something like it."""
    given = {
        "method": held.method,
        "url": held.url,
        "headers": dict(held.headers),
        "content": held.body,
        **other,
    }
    return await house.objects.http.request(**given)


async def stored(house: House) -> dict[str, bytes]:
    """Return what is in the bucket."""
    keys = await house.objects.list_keys("", None, 100)
    return {key: await house.objects.read_range(key, 0, 1000) for key in keys}


async def test_i10_each_url_works_for_what_it_is_for(house):
    given = await everything_given(house)
    answers = [await asked(house, held) for held in given.held]
    assert [held.method for held in given.held] == ["GET", "PUT", "PUT"]
    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_i10_a_worker_is_told_no_other_url_and_no_secret(house):
    given = await everything_given(house)
    texts = [text for said in given.said for text in texts_in(said)]
    urls = {text for text in texts if text.startswith(BASE_URL)}
    others = {text for text in texts if "://" in text} - urls
    assert urls == {held.url for held in given.held}
    assert others == {given.said[0]["claim_url"]}
    assert not [text for text in texts if SECRET in text]
    assert given.said[1]["secrets"] == {}


def test_i10_nor_has_a_worker_a_setting_for_one():
    words = ("secret", "access_key", "bucket", "store", "endpoint_url")
    assert not [
        name for name in WorkerSettings.model_fields if any(word in name for word in words)
    ]


async def test_i10_each_url_is_for_one_method(house):
    given = await everything_given(house)
    before = await stored(house)
    for held in given.held:
        for method in (each for each in METHODS if each != held.method):
            answer = await asked(house, held, method=method)
            assert answer.status_code in {403, 405}, (held.method, method)
    assert await stored(house) == before


async def test_i10_each_url_is_for_one_key(house):
    given = await everything_given(house)
    keys = [held.key for held in given.held]
    before = await stored(house)
    for held in given.held:
        others = [*(key for key in keys if key != held.key), "other/key", "", f"{held.key}/x"]
        for key in others:
            answer = await asked(house, held, url=held.url.replace(held.key, key))
            assert answer.status_code == 403, (held.method, key)
    assert len(set(keys)) == 3
    assert await stored(house) == before


def another(text: str) -> str:
    """Return a character that is not this one and means something else."""
    if text.isalnum() and text not in "9zZ":
        return chr(ord(text) + 1)
    return "A" if text in "9zZ" else "x"


async def test_i10_a_url_with_any_byte_altered_is_refused(house):
    given = await everything_given(house)
    before = await stored(house)
    for held in given.held:
        start = len(BASE_URL) + 1
        for at in range(start, len(held.url)):
            altered = held.url[:at] + another(held.url[at]) + held.url[at + 1 :]
            answer = await asked(house, held, url=altered)
            assert 400 <= answer.status_code < 500, (held.method, at, held.url[at])
    assert await stored(house) == before


@pytest.mark.parametrize(
    "more", ["list-type=2", "acl", "uploads", "uploadId=1&partNumber=1", "X-Amz-Expires=99999"]
)
async def test_i10_nothing_can_be_asked_beside_what_was_signed(house, more):
    given = await everything_given(house)
    before = await stored(house)
    for held in given.held:
        assert (await asked(house, held, url=f"{held.url}&{more}")).status_code in {400, 403}
    assert await stored(house) == before


ALTERED: dict[str, dict[str, str | None]] = {
    "another type": {"content-type": "text/html"},
    "no type": {"content-type": None},
    "another length": {"content-length": "4"},
    "another hash": {"x-amz-checksum-sha256": "A" * 43 + "="},
    "no hash": {"x-amz-checksum-sha256": None},
    "an unsigned header": {"x-amz-acl": "public-read"},
}


async def refuses_other_bytes(house: House, held: Held) -> None:
    """Raise `AssertionError` where a PUT takes anything but what it was signed for."""
    for name, change in ALTERED.items():
        headers = {**held.headers, **change}
        sent = {key: value for key, value in headers.items() if value is not None}
        answer = await asked(house, held, headers=sent)
        assert answer.status_code in {400, 403, 411}, f"{name} was taken"
    for body in (held.body[:-1] + b"?", held.body + b"?", b""):
        answer = await asked(house, held, content=body)
        assert answer.status_code in {400, 403}, f"{body!r} was taken"


async def test_i10_a_put_is_for_one_type_one_length_and_one_hash(house):
    given = await everything_given(house)
    before = await stored(house)
    for held in given.held[1:]:
        await refuses_other_bytes(house, held)
    assert await stored(house) == before


async def test_i10_every_url_expires_soon_after_its_attempts_deadline(house):
    given = await everything_given(house)
    last = (given.deadline_at - house.clock.now()).total_seconds() + MARGIN_S
    for held in given.held:
        [lives_s] = parse_qs(urlsplit(held.url).query)["X-Amz-Expires"]
        assert 0 < int(lives_s) <= last
    house.clock.move(last + 1)
    answers = [await asked(house, held) for held in given.held]
    assert [answer.status_code for answer in answers] == [403] * 3


class Generous(InTheWay):
    """Signs a key and a method, and leaves open what is put there."""

    def sign_put(self, key: str, *, expires_s: int, **_: Any) -> Any:
        return self._port.sign_put(key, expires_s=expires_s, content_type="video/mp4")


async def test_i10_a_signer_that_leaves_the_bytes_open_is_found_out(tmp_path):
    async with a_house(tmp_path, broken=with_signer(Generous)) as house:
        given = await everything_given(house)
        with pytest.raises(AssertionError, match="was taken"):
            await refuses_other_bytes(house, given.held[1])
