import asyncio
import io
import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logs import (
    LONGEST_LINE,
    REDACTED,
    JsonLines,
    add_log_fields,
    log_fields,
    redact,
    start_logging,
)

SECRETS = [
    "GET https://b.r2.dev/k/a.mp4?x=1&X-Amz-Signature=SECRET&X-Amz-Date=SECRET done",
    "https://b.s3.aws/k?AWSAccessKeyId=SECRET&Signature=SECRET",
    "Authorization: Bearer SECRET",
    "authorization: basic SECRET",
    "key ck_SECRET_SECRET was used",
    "rpa_SECRET",
    "GET /v1/jobs/1/live?after=3&ticket=SECRET",
    "wss://h/live?token=SECRET#top",
    "/hook?api_key=SECRET",
    "Sec-WebSocket-Protocol: cutroom.v1, cutroom.ticket.SECRET",
    "POST /v1/provider-webhooks/fal/SECRET 200",
    '{"token": "SECRET", "nonce": "SECRET"}',
    "{'ticket': 'SECRET'}",
]
KEPT = [
    "key exports/2026/01/job-1/3/video.mp4",
    "https://h/v1/jobs/0198?after=3&wait_s=25",
    "uploads/ck/file.mp4",
    '{"key": "exports/a/b.mp4"}',
    "tokenised 12 words",
]


def line_of(level=logging.INFO, event="thing.happened", exc_info=None, **extra):
    record = logging.makeLogRecord(
        {"levelno": level, "levelname": "INFO", "msg": event, "name": "n", "exc_info": exc_info}
        | extra
    )
    return json.loads(JsonLines().format(record))


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_not_written(text):
    hidden = redact(text)
    assert "SECRET" not in hidden
    assert REDACTED in hidden


@pytest.mark.parametrize("text", KEPT)
def test_what_is_no_secret_is_written_as_it_is(text):
    assert redact(text) == text


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_in_fields_and_nested_fields_are_not_written(text):
    line = line_of(why=text, nested={"deep": [text]})
    assert "SECRET" not in json.dumps(line)


@given(st.text(), st.sampled_from(SECRETS))
def test_a_line_is_json_whatever_is_in_it_and_hides_what_it_must(text, secret):
    line = line_of(event=text, why=f"{text} {secret}")
    assert "SECRET" not in line["why"]


@pytest.mark.parametrize("field", ["token", "headers", "secrets", "nonce"])
def test_fields_that_are_secrets_by_name_are_not_written(field):
    assert line_of(**{field: {"a": "SECRET"}})[field] == REDACTED


def test_a_line_says_when_what_and_who():
    line = line_of(job_id="j1", fence=2)
    assert line["event"] == "thing.happened"
    assert (line["job_id"], line["fence"]) == ("j1", 2)
    assert line["at"].endswith("+00:00")
    assert line["level"] == "INFO"


def test_a_traceback_is_written_and_redacted():
    try:
        raise RuntimeError("Bearer SECRET")
    except RuntimeError:
        line = line_of(exc_info=sys.exc_info())
    assert "RuntimeError" in line["traceback"]
    assert "SECRET" not in line["traceback"]


def test_bound_fields_are_on_every_line_inside_and_none_outside():
    with log_fields(job_id="j1"), log_fields(fence=2):
        inside = line_of()
    assert (inside["job_id"], inside["fence"]) == ("j1", 2)
    assert "job_id" not in line_of()


async def test_two_tasks_do_not_share_their_fields():
    async def one(job_id):
        with log_fields(job_id=job_id):
            await asyncio.sleep(0)
            return line_of()["job_id"]

    assert await asyncio.gather(one("a"), one("b")) == ["a", "b"]


@pytest.fixture
def restored():
    """Give the loggers their levels back."""
    ours = ("bench", "cli", "client", "gateway", "gpu_worker", "infra", "shared")
    loggers = [logging.getLogger(each) for each in ("httpx", "httpcore", *ours)]
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    levels = [each.level for each in loggers]
    yield
    root.handlers[:], root.level = before
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.mark.usefixtures("restored")
def test_started_logging_writes_lines_and_keeps_httpx_from_telling_urls():
    stream = io.StringIO()
    start_logging(stream)
    logging.getLogger("mine").info("thing.happened", extra={"n": 1})
    logging.getLogger("httpx").info("HTTP Request: GET https://h/?token=SECRET")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["n"] == 1


@pytest.mark.usefixtures("restored")
def test_at_debug_our_own_loggers_speak_and_libraries_keep_their_headers_to_themselves():
    stream = io.StringIO()
    start_logging(stream, level="DEBUG")
    logging.getLogger("gateway.services.tick").debug("tick.began")
    logging.getLogger("botocore.auth").debug("StringToSign: SECRET")
    logging.getLogger("uvicorn.error").debug("X-API-Key: SECRET")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == [
        "tick.began"
    ]


FORGED = '\n{"at": "now", "level": "INFO", "event": "forged"}\n'
HOSTILE = [
    FORGED,
    "\r\nforged",
    "a\u2028b\u2029c\x85d\x0b\x0c",
    "\x1b[2Jgone\x07\x7f",
    "\ud800",
]


def whole_line_of(**record):
    return JsonLines().format(logging.makeLogRecord({"msg": "thing.happened", **record}))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("where", ["msg", "name", "why", "nested", "key"])
def test_d149_text_of_a_customers_makes_no_line_and_no_terminal_code(text, where):
    fields = {
        "msg": {"msg": text},
        "name": {"name": text},
        "why": {"why": text},
        "nested": {"nested": [{"deep": text}]},
        "key": {"nested": {text: 1}},
    }
    line = whole_line_of(**fields[where])
    assert all(" " <= character <= "~" for character in line)
    assert json.loads(line)["event"] == (text if where == "msg" else "thing.happened")


@given(
    st.dictionaries(st.text(max_size=40), st.text() | st.floats() | st.binary(), max_size=50)
)
def test_d149_whatever_is_logged_is_one_line_of_plain_json(fields):
    line = whole_line_of(given=fields)
    assert all(" " <= character <= "~" for character in line)
    json.loads(line, parse_constant=pytest.fail)


@pytest.mark.parametrize("field", ["at", "level", "event", "logger"])
def test_d149_no_field_says_when_or_what_in_the_lines_place(field):
    line = json.loads(whole_line_of(name="mine", levelname="INFO", **{field: "forged"}))
    assert line[field] != "forged"


@pytest.mark.parametrize("text", ["x", "é", "😀", "\x00", '"', "\n", "\\"])
def test_a_line_is_bounded_whatever_it_is_made_of(text):
    many = {f"field_{n}": text * 5000 for n in range(50)}
    line = whole_line_of(job_id="j1", fence=2, **many)
    assert len(line) <= LONGEST_LINE
    kept = json.loads(line)
    assert (kept["event"], kept["job_id"], kept["fence"]) == ("thing.happened", "j1", 2)


def test_of_a_long_traceback_both_ends_are_kept():
    def deeper(n):
        if n == 0:
            raise RuntimeError("the end " + "é" * 20_000 + " of it")
        deeper(n - 1)

    try:
        deeper(200)
    except RuntimeError:
        line = whole_line_of(exc_info=sys.exc_info(), why="w" * 9000)
    assert len(line) <= LONGEST_LINE
    told = json.loads(line)["traceback"]
    assert told.startswith("Traceback")
    assert told.endswith("of it")


def test_a_secret_is_hidden_also_where_a_long_value_is_cut_in_its_midst():
    url = "https://b.r2.dev/k?X-Amz-Signature=" + "SECRET" * 5000
    line = whole_line_of(why=url, other="x" * 20_000)
    assert "SECRET" not in line
    assert len(line) <= LONGEST_LINE


class Unwritable:
    def __str__(self):
        raise RuntimeError("no")


def test_what_cannot_be_written_does_not_take_its_line_along():
    circle: list[object] = []
    circle.append(circle)
    line = json.loads(whole_line_of(circle=circle, nan=float("nan"), bad=Unwritable(), n=1))
    assert line["event"] == "thing.happened"
    assert line["nan"] == "nan"
    assert "Unwritable" in line["bad"]


def test_fields_learnt_on_the_way_end_with_those_they_are_put_to():
    with log_fields(trace="t1"):
        add_log_fields(job_id="j1")
        assert line_of()["job_id"] == "j1"
    add_log_fields(job_id="j2")
    assert "job_id" not in line_of()
