"""What every refusal has in common, whoever words it."""

import re

from tests.support.raw_http import Answer

LARGEST_BYTES = 40_000
V1 = {"type", "title", "status", "detail", "code", "request_id", "errors"}
PLAIN = {"detail", "code", "request_id"}
# What only the inside of a program has to say.
_INSIDE = re.compile(
    r"Traceback|Value error|\w+Error\b|Exception|pydantic|starlette|sqlite|site-packages"
    r"|\.py\b|/(home|root|usr|tmp|work|srv)/|object at 0x|SELECT|INSERT"
)


def told(answer: Answer) -> tuple[int, str, str]:
    """Return status, code and the field named first; hold the answer to its form."""
    body = answer.json()
    assert body["request_id"] == answer.headers["x-request-id"]
    assert len(answer.body) <= LARGEST_BYTES
    assert not _INSIDE.search(answer.body.decode()), answer.body
    if answer.headers["content-type"] == "application/problem+json":
        assert set(body) == V1
        assert body["status"] == answer.status
    else:
        assert answer.headers["content-type"] == "application/json"
        assert set(body) - {"errors"} == PLAIN
    return answer.status, answer.code, next(iter(answer.fields), "")
