"""Log lines all programs write: one JSON object a line, the work's fields on each, no secrets.

start_logging(sys.stdout, level="INFO")
with log_fields(trace="4bf9…", job_id="0198…", kind="export.framing", fence=2):
    log.info("output.put", extra={"key": "exports/…/video.mp4"})

A line is printable ASCII: whatever a customer's text holds is escaped, so that it can neither
begin a line of its own nor tell a terminal anything. And a line is bounded.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, TextIO

from typing_extensions import override

REDACTED: Final = "[redacted]"
LONGEST_LINE: Final = 16 * 1024
LONGEST_VALUE: Final = 1000  # kept of each value, where the line is too long
_TRACEBACK_END: Final = 1500  # kept of a traceback's beginning, and as much of its end
_MOST_FIELDS: Final = 32
_UNPLAIN: Final = re.compile(r"[^\n -~]")

# A value ends at white space, a quote or a backslash: the line is redacted as finished JSON,
# where a backslash may belong to the quote behind it.
_VALUE = r"[^\s\"'\\<>]"
_NAME = r"(?:access_)?token|ticket|secret|sig|signature|api_?key"  # "key" is an object's
_SECRETS: Final = re.compile(
    rf"""
      (?P<presigned>\?){_VALUE}*?(?:X-Amz-|Signature=|AWSAccessKeyId=){_VALUE}*
    | (?P<amz>X-Amz-[A-Za-z0-9-]+[=:]){_VALUE}+
    | (?P<scheme>\b(?:Bearer|Basic)\s+){_VALUE}+
    | (?P<param>[?&](?:{_NAME}|key)=)[^&\s"'\\\#]+
    | (?P<field>\\?["'](?:{_NAME}|nonce|authorization)\\?["']:\s*\\?["'])[^"'\\]+
    | (?P<subprotocol>cutroom\.ticket\.)[^\s"'\\,]+
    | (?P<callback>/provider-webhooks/[^/\s"'\\]+/)[^/?\s"'\\]+
    | (?P<key>\b(?:ck|rpa)_)[A-Za-z0-9_]+
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Looking for these costs a fifteenth of trying the pattern; most lines hold none of them.
_SIGNS: Final = (
    *("x-amz-", "signature=", "awsaccesskeyid=", "bearer", "basic", "token", "ticket"),
    *("secret", "sig=", "key", "nonce", "authorization", "/provider-webhooks/", "ck_", "rpa_"),
)
_SECRET_FIELDS: Final = frozenset(
    {"authorization", "headers", "key_secret", "nonce", "secret", "secrets", "ticket", "token"}
)
# What every record has; anything else came in by `extra`.
_STANDARD: Final = frozenset(
    (*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message")
)
_OURS: Final = ("bench", "cli", "client", "gateway", "gpu_worker", "infra", "shared")
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_bound: Final[ContextVar[Mapping[str, object]]] = ContextVar("log_fields", default=_NOTHING)


_FIRST: Final = ("at", "level", "event", "logger")


@contextmanager
def log_fields(**fields: object) -> Iterator[None]:
    """Put these fields on every line logged inside, in this task and in those it starts."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def add_log_fields(**fields: object) -> None:
    """Put these on the lines that follow in this task, while the `log_fields` it is in lasts.

    For what is learnt on the way: whoever logs the request's end then says it too. Outside
    any `log_fields` nothing would take them off again, and nothing is put on.
    """
    if bound := _bound.get():
        _bound.set({**bound, **fields})


def redact(text: str) -> str:
    """Return the text without presigned queries, keys, bearer tokens and tickets."""
    lower = text.lower()
    if not any(sign in lower for sign in _SIGNS):
        return text
    return _SECRETS.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    kept = found.group(found.lastgroup) if found.lastgroup else ""
    return f"{kept}{REDACTED}"


class JsonLines(logging.Formatter):
    """One line of JSON a record: `at`, `level`, `event`, `logger`, then its fields.

    At most `LONGEST_LINE` characters, all of them printable ASCII.
    """

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line, redacted as a whole: message, fields and traceback alike."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname,
            "event": record.getMessage(),
            "logger": record.name,
            **_bound.get(),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD and name not in _FIRST:
                line[name] = REDACTED if name.lower() in _SECRET_FIELDS else value
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        text = redact(_as_json(line))
        return text if len(text) <= LONGEST_LINE else _as_json(_shortened(line))


def _as_json(line: Mapping[str, object]) -> str:
    """Return one line of JSON, whatever the values are."""
    try:
        text = json.dumps(line, default=str, allow_nan=False)
    except (ValueError, TypeError, RecursionError):  # no number, no key, or a circle
        text = json.dumps({name: _as_text(value) for name, value in line.items()})
    return text.replace("\x7f", "\\u007f")  # the one control character that JSON lets be


def _as_text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - somebody's __str__; a line that is lost helps nobody
        return f"a {type(value).__name__} that cannot be written"


def _shortened(line: Mapping[str, object]) -> dict[str, object]:
    """Return the line with its values cut to what fits, each redacted before it is cut.

    Of a traceback both ends are kept: its last line says what went wrong.
    """
    short: dict[str, object] = {}
    left = LONGEST_LINE - 4 * _TRACEBACK_END - 200
    for name in [name for name in line if name != "traceback"][:_MOST_FIELDS]:
        value = _cut(line[name])
        left -= len(json.dumps({name: value}))
        if left < 0:
            break
        short[name] = value
    if "traceback" in line:
        told = _plain(line["traceback"])
        short["traceback"] = f"{told[:_TRACEBACK_END]}\n[…]\n{told[-_TRACEBACK_END:]}"
    return short


def _cut(value: object) -> object:
    """Return as much of a value as is kept in a line that is too long; numbers as they are."""
    if value is None or (isinstance(value, int) and abs(value) < 2**63):
        return value
    return _plain(value)[:LONGEST_VALUE]


def _plain(value: object) -> str:
    """Return a value in characters of which JSON makes two at most."""
    return _UNPLAIN.sub("?", redact(_as_text(value)))


def start_logging(stream: TextIO, *, level: str = "INFO") -> None:
    """Send every logger's lines to `stream`; called once, by a program's entrypoint.

    `DEBUG` is for our own loggers: at that level libraries write out headers and what they
    sign, which no pattern can be trusted to find.
    """
    lines = logging.StreamHandler(stream)
    lines.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [lines]
    root.setLevel("INFO" if level == "DEBUG" else level)
    for ours in _OURS:
        logging.getLogger(ours).setLevel(level)
    # httpx logs each request's URL at INFO; ours are presigned, and we log what matters.
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
