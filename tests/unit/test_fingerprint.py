"""What makes two pieces of work the same."""

from dataclasses import replace

import pytest

from gateway.core.fingerprint import fingerprint
from gateway.core.job import JobFile

SHA = "ab" * 32
INPUT = {
    "source": {"asset_id": "a1", "job_id": None, "output": None},
    "width": 64,
    "layers": [{"image": {"asset_id": "a2", "job_id": None, "output": None}, "x": 1}],
}
SOURCE = JobFile("source", "a1", "t/uploads/a1.mp4", 5, "e1", "video/mp4")
IMAGE = JobFile("layers.0.image", "a2", "t/uploads/a2.png", 7, "e2", "image/png")


def named(kind="k.a", version=1, job_input=INPUT, files=(SOURCE, IMAGE)):
    return fingerprint(kind, version, job_input, files)


def known(file, sha256=SHA):
    return replace(file, sha256=sha256)


def other_asset(file):
    return replace(file, asset_id="b9", key="t/uploads/b9.mp4", etag="e9")


def test_the_same_work_has_one_name_however_its_input_was_ordered():
    assert named() == named(job_input=dict(reversed(INPUT.items())))


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "k.b"},
        {"version": 2},
        {"job_input": {**INPUT, "width": 66}},
        {"job_input": {**INPUT, "layers": [{**INPUT["layers"][0], "x": 2}]}},
        {"files": (replace(SOURCE, etag="e9"), IMAGE)},
        {"files": (replace(SOURCE, size_bytes=6), IMAGE)},
        {"files": (replace(SOURCE, content_type="video/webm"), IMAGE)},
        {"files": (other_asset(SOURCE), IMAGE)},
        {"files": (known(SOURCE), IMAGE)},
        {"files": (replace(IMAGE, name="source"), replace(SOURCE, name="layers.0.image"))},
    ],
    ids=["kind", "version", "input", "nested", "etag", "size", "type", "key", "hash", "place"],
)
def test_other_work_has_another_name(other):
    assert named(**other) != named()


def test_bytes_that_were_verified_are_the_same_under_any_asset():
    theirs = {**INPUT, "source": {"asset_id": "b9", "job_id": None, "output": None}}
    mine = named(files=(known(SOURCE), IMAGE))
    assert named(job_input=theirs, files=(known(other_asset(SOURCE)), IMAGE)) == mine
    assert named(files=(known(SOURCE, "cd" * 32), IMAGE)) != mine


def test_naming_leaves_the_input_as_it_is():
    before = repr(INPUT)
    named()
    assert repr(INPUT) == before
