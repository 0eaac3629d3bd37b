"""I11: bad input is a 4xx problem that names the field, writes nothing, and is never a 500.

One of each sort, on the whole service; the tables of `tests/attack` have every field.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.audit import rows_in_tables
from tests.support.house import DATABASE, House, an_order
from tests.support.world import FACTS

UPLOAD = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 5}
CLAIM = {"nonce": "n", "runpod_job_id": "r", "worker": FACTS.model_dump(mode="json")}
ITEM = {"name": "video", "content_type": "video/mp4", "size_bytes": 1, "sha256": "0" * 64}
FINAL = {"type": "final", "outcome": "succeeded", "result": {"n": 1}, "outputs": []}
PROGRESS = {"type": "progress", "stage": "render", "progress": 0.5}
DEEP = "[" * 40 + "]" * 40


@dataclass(frozen=True, slots=True)
class Bad:
    """A request that is wrong in one place: which field is named, under which code."""

    path: str
    body: Any
    field: str
    status: int = 422
    code: str = "validation_failed"
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()


def a_job(field: str, /, **fields: Any) -> Bad:
    return Bad("/v1/jobs", an_order(**fields), field)


def an_upload(field: str, /, **fields: Any) -> Bad:
    return Bad("/v1/uploads", {**UPLOAD, **fields}, field)


def raw_job(field: str, text: str) -> Bad:
    return Bad("/v1/jobs", text.encode(), field)


JOBS = {
    "no kind": Bad("/v1/jobs", {"input": {}}, "kind"),
    "a kind that is none": Bad("/v1/jobs", an_order(kind="x"), "kind", code="unknown_kind"),
    "a kind that is a number": a_job("kind", kind=7),
    "a long kind": a_job("kind", kind="x" * 129),
    "no input": Bad("/v1/jobs", {"kind": "test.copy"}, "input"),
    "an input that is a list": a_job("input", input=[]),
    "an input of the wrong type": a_job("input.n", input={"n": "seven"}),
    "a field of the input that is unknown": a_job("input.m", input={"n": 1, "m": 2}),
    "a field that is unknown": a_job("tenant", tenant="other"),
    "a reference to two things": a_job(
        "input.source", input={"source": {"asset_id": "a", "job_id": "j", "output": "o"}}
    ),
    "half a reference": a_job("input.source", input={"source": {"job_id": "j"}}),
    "a label that is no text": a_job("labels.a", labels={"a": 1}),
    "a label without a name": a_job("labels", labels={"": "x"}),
    "a long label": a_job("labels.a", labels={"a": "x" * 65}),
    "too many labels": a_job("labels", labels={f"l{n}": "x" for n in range(17)}),
    "a deadline that is past": a_job("deadline_s", deadline_s=0),
    "a deadline too far": a_job("deadline_s", deadline_s=10**9),
    "a deadline in halves": a_job("deadline_s", deadline_s=1.5),
    "a cost below nothing": a_job("max_cost_usd", max_cost_usd="-1"),
    "a cost that is no number": a_job("max_cost_usd", max_cost_usd="much"),
    "less than it may cost": a_job("max_cost_usd", max_cost_usd="0.0001"),
    "a truth that is a text": a_job("dry_run", dry_run="yes"),
    "NaN": raw_job("input.n", '{"kind": "test.copy", "input": {"n": NaN}}'),
    "a number that is infinite": raw_job(
        "input.n", '{"kind": "test.copy", "input": {"n": 1e999}}'
    ),
    "one name twice": raw_job(
        "kind", '{"kind": "test.copy", "kind": "test.copy", "input": {}}'
    ),
    "half a pair": raw_job("input.n", '{"kind": "test.copy", "input": {"n": "\\ud800"}}'),
    "too deep": raw_job("input.n", '{"kind": "test.copy", "input": {"n": ' + DEEP + "}}"),
    "no JSON": raw_job("body", "kind=test.copy"),
    "half of it": raw_job("body", '{"kind": "test'),
    "nothing": raw_job("body", ""),
    "no object": raw_job("body", "[]"),
    "no UTF-8": Bad("/v1/jobs", b'{"kind": "\xff"}', "body"),
    "an idempotency key with a blank": Bad(
        "/v1/jobs", an_order(), "idempotency-key", headers=(("Idempotency-Key", "a b"),)
    ),
    "a long idempotency key": Bad(
        "/v1/jobs", an_order(), "idempotency-key", headers=(("Idempotency-Key", "x" * 129),)
    ),
    "another media type": Bad(
        "/v1/jobs",
        b"{}",
        "",
        415,
        "unsupported_media_type",
        headers=(("Content-Type", "text/plain"),),
    ),
    "an asset that is none": Bad(
        "/v1/jobs",
        an_order(input={"source": {"asset_id": "nobody"}}),
        "",
        404,
        "asset_not_found",
    ),
}
UPLOADS = {
    "no file name": an_upload("filename", filename=""),
    "a long file name": an_upload("filename", filename="x" * 256),
    "no size": an_upload("size_bytes", size_bytes=0),
    "a size that is a text": an_upload("size_bytes", size_bytes="5"),
    "no hash": an_upload("sha256", sha256="0" * 63),
    "a tenant of one's choice": an_upload("user_id", user_id="other"),
}
READING = {
    "a page too long": Bad("/v1/jobs?limit=1000", None, "limit", method="GET"),
    "no page": Bad("/v1/jobs?limit=0", None, "limit", method="GET"),
    "a cursor that is none": Bad(
        "/v1/jobs?cursor=x", None, "cursor", code="bad_cursor", method="GET"
    ),
    "a status that is none": Bad("/v1/jobs?status=done", None, "status", method="GET"),
    "a place that is none": Bad("{job}/events?after=x", None, "after", method="GET"),
    "a long wait": Bad("{job}/events?wait_s=26", None, "wait_s", method="GET"),
}
WORK = {
    "a nonce with a slash": Bad("{work}/claim", {**CLAIM, "nonce": "a/b"}, "nonce"),
    "a worker without cores": Bad(
        "{work}/claim", {**CLAIM, "worker": {**CLAIM["worker"], "cores": 0}}, "worker.cores"
    ),
    "an output that is none": Bad(
        "{work}/outputs", {"fence": 1, "items": [{**ITEM, "name": "x"}]}, "items.0.name"
    ),
    "an output too large": Bad(
        "{work}/outputs", {"fence": 1, "items": [{**ITEM, "size_bytes": 2**50}]}, "items.0.size"
    ),
    "no outputs": Bad("{work}/outputs", {"fence": 1, "items": []}, "items"),
    "fence 0": Bad("{work}/reports", {**PROGRESS, "fence": 0, "report_no": 1}, "fence"),
    "a report without a number": Bad("{work}/reports", {**PROGRESS, "fence": 1}, "report_no"),
    "progress past the end": Bad(
        "{work}/reports", {**PROGRESS, "fence": 1, "report_no": 1, "progress": 1.1}, "progress"
    ),
    "a word that is none": Bad(
        "{work}/reports", {"type": "cancelled", "fence": 1, "report_no": 1}, "type"
    ),
    "an outcome that is none": Bad(
        "{work}/reports",
        {**FINAL, "fence": 1, "report_no": 1, "outcome": "cancelled"},
        "outcome",
    ),
}
TABLE = {**JOBS, **UPLOADS, **READING, **WORK}


async def ask(house: House, places: dict[str, str], bad: Bad) -> Any:
    path = bad.path.format(**places)
    bearer = {"Authorization": places["token"]} if "/work/" in path else {}
    content = bad.body if isinstance(bad.body, bytes) else json.dumps(bad.body).encode()
    headers = {"Content-Type": "application/json", **bearer, **dict(bad.headers)}
    sent = {} if bad.body is None else {"content": content}
    return await house.http[0].request(bad.method, path, headers=headers, **sent)


async def refused(house: House, places: dict[str, str], bad: Bad) -> None:
    """Raise `AssertionError` unless it is refused as it should be, and nothing is written."""
    before = rows_in_tables(house.folder / DATABASE)
    answer = await ask(house, places, bad)
    told = answer.json()
    named = [each["field"] for each in told.get("errors", [])]
    assert (answer.status_code, told.get("code")) == (bad.status, bad.code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert named[0].startswith(bad.field) if bad.field else named == [], named
    assert rows_in_tables(house.folder / DATABASE) == before, "something was written"


async def standing(house: House) -> dict[str, str]:
    """Have a running job, and return where it and its worker are found."""
    worker = await house.dispatched()
    await worker.claim()
    return {
        "job": f"/v1/jobs/{worker.job_id}",
        "work": f"/v1/work/{worker.job_id}",
        "token": f"Bearer {worker.order['token']}",
    }


async def test_i11_bad_input_is_refused_by_field_and_leaves_every_table_as_it_was(house):
    places, wrong = await standing(house), {}
    for name, bad in TABLE.items():
        try:
            await refused(house, places, bad)
        except AssertionError as error:
            wrong[name] = str(error).splitlines()[0]
    assert wrong == {}


async def test_i11_good_input_in_its_place_is_taken_and_seen_to_be_written(house):
    """The same check of a request that is right fails: it can."""
    places = await standing(house)
    with pytest.raises(AssertionError, match="202"):
        await refused(house, places, Bad("/v1/jobs", an_order(), "kind"))
    taken = Bad("/v1/jobs", an_order(), "kind")
    before = rows_in_tables(house.folder / DATABASE)
    await ask(house, places, taken)
    after = rows_in_tables(house.folder / DATABASE)
    grown = {table for table, count in after.items() if count > before[table]}
    assert grown >= {"jobs", "events", "effects", "ledger", "ops"}
