import asyncio
import io
import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.logs import REDACTED, JsonLines, log_fields, redact, start_logging

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
