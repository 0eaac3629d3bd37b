"""Bytes arrive whole and checked, or not at all; what permits them is never shown."""

import hashlib
from pathlib import Path

import pytest
from starlette.responses import Response

from client import Output, TransferFailed
from client.models import UploadPromise
from tests.support.fake_v1 import Cut, problem

BYTES = bytes(range(256)) * 4096  # 1 MiB: several chunks
DENIED = "<Error><Code>AccessDenied</Code><Message>key ck_1 of ?X-Amz</Message></Error>"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(BYTES)
    return path


def output(pair, **changed) -> Output:
    told = {
        "name": "video",
        "content_type": "video/mp4",
        "size_bytes": len(BYTES),
        "sha256": hashlib.sha256(BYTES).hexdigest(),
        "url": f"{pair.base_url}/bucket/out?X-Amz-Signature=secret",
    }
    return Output(**(told | changed))


def test_a_file_goes_to_the_bucket_and_becomes_an_asset(pair, clip):
    told: list[tuple[int, int]] = []
    asset = pair.client.upload(clip, lambda done, total: told.append((done, total)))
    assert pair.fake.objects["up-1"] == BYTES
    assert asset.asset_id == "asset-1"
    assert told[0] == (0, len(BYTES))
    assert told[-1] == (len(BYTES), len(BYTES))


def test_the_bucket_gets_the_signed_headers_and_not_the_key(pair, clip):
    pair.client.upload(clip)
    (sent,) = pair.fake.requests("/bucket/up-1")
    assert sent["content-type"] == "video/mp4"
    assert sent["content-length"] == str(len(BYTES))
    assert sent["if-none-match"] == "*"
    assert "authorization" not in sent
    assert "transfer-encoding" not in sent


def test_a_412_means_that_it_is_there(pair, clip):
    pair.fake.objects["up-1"] = BYTES
    pair.fake.answers["/bucket/up-1"] = [Response(status_code=412)]
    assert pair.client.upload(clip).asset_id == "asset-1"


def test_bytes_that_arrived_before_the_connection_broke_are_not_sent_again(pair, clip):
    pair.fake.answers["/bucket/up-1"] = [Cut()]
    assert pair.client.upload(clip).asset_id == "asset-1"
    assert len(pair.fake.requests("/bucket/up-1")) == 1


def test_bytes_that_did_not_arrive_are_sent_again(pair, clip):
    pair.fake.answers["/bucket/up-1"] = [Cut()]
    pair.fake.answers["/v1/uploads/up-1/complete"] = [problem(409, "object_missing")]
    assert pair.client.upload(clip).asset_id == "asset-1"
    assert len(pair.fake.requests("/bucket/up-1")) == 2


def test_a_refused_upload_says_the_stores_word_and_no_more(pair, clip):
    pair.fake.answers["/bucket/up-1"] = [Response(DENIED, 403)]
    with pytest.raises(TransferFailed) as refused:
        pair.client.upload(clip)
    assert str(refused.value) == "the bucket refused clip.mp4: AccessDenied"


def test_an_output_is_written_whole(pair, tmp_path):
    pair.fake.objects["out"] = BYTES
    path = pair.client.download(output(pair), tmp_path / "new" / "out.mp4")
    assert path.read_bytes() == BYTES
    assert [each.name for each in path.parent.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (BYTES[:-1], "is not 1048576 bytes long"),
        (BYTES + b"!", "is not 1048576 bytes long"),
        (BYTES[:-1] + b"!", "does not have the hash"),
    ],
)
def test_an_output_that_is_not_as_announced_leaves_what_was_there(pair, tmp_path, stored, why):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"earlier")
    pair.fake.objects["out"] = stored
    with pytest.raises(TransferFailed, match=why):
        pair.client.download(output(pair), path)
    assert path.read_bytes() == b"earlier"
    assert [each.name for each in tmp_path.iterdir()] == ["out.mp4"]


def test_a_download_that_broke_off_is_begun_again(pair, tmp_path):
    pair.fake.objects["out"] = BYTES
    pair.fake.answers["/bucket/out"] = [Cut()]
    path = pair.client.download(output(pair), tmp_path / "out.mp4")
    assert path.read_bytes() == BYTES
    assert len(pair.waited_s) == 1


def test_a_download_that_always_breaks_off_fails(pair, tmp_path):
    pair.fake.objects["out"] = BYTES
    pair.fake.answers["/bucket/out"] = [Cut() for _ in range(4)]
    with pytest.raises(TransferFailed, match="broke off"):
        pair.client.download(output(pair), tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []


def test_an_expired_url_is_refused_without_being_shown(pair, tmp_path):
    pair.fake.answers["/bucket/out"] = [Response(DENIED, 403)]
    with pytest.raises(TransferFailed) as refused:
        pair.client.download(output(pair), tmp_path / "out.mp4")
    assert str(refused.value) == "the bucket refused video: AccessDenied"


def test_an_output_of_an_event_cannot_be_fetched(pair, tmp_path):
    with pytest.raises(TransferFailed, match="has no URL"):
        pair.client.download(output(pair, url=None), tmp_path / "out.mp4")


def test_what_permits_is_not_in_a_repr(pair):
    promise = UploadPromise(
        upload_id="u", size_bytes=1, url="http://x/?sig=abc", headers={"a": "abc"}
    )
    assert "abc" not in repr(promise)
    assert "secret" not in repr(output(pair))


def test_no_log_line_holds_a_signature(pair, clip, tmp_path, caplog):
    caplog.set_level("DEBUG")
    pair.fake.objects["out"] = BYTES
    pair.client.upload(clip)
    pair.client.download(output(pair), tmp_path / "out.mp4")
    servers = ("uvicorn",)  # the fake's own lines
    said = [each.getMessage() for each in caplog.records if not each.name.startswith(servers)]
    assert any("/v1/uploads/up-1/complete" in each for each in said)
    assert [each for each in said if "secret" in each or "ck_aaaa" in each] == []
