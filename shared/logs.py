"""Log lines both programs write: one JSON object a line, the work's fields on each, no secrets.

start_logging(sys.stdout, level="INFO")
with log_fields(job_id="0198…", kind="export.framing", fence=2):
    log.info("output.put", extra={"key": "exports/…/video.mp4"})
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


@contextmanager
def log_fields(**fields: object) -> Iterator[None]:
    """Put these fields on every line logged inside, in this task and in those it starts."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


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
    """One line of JSON a record: `at`, `level`, `event`, `logger`, then its fields."""

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
            if name not in _STANDARD:
                line[name] = REDACTED if name.lower() in _SECRET_FIELDS else value
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return redact(json.dumps(line, default=str))


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
