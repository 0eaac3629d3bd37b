"""One id from a request to the encode it led to: the trace-id of W3C Trace Context, level 1.

traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
"""

import re
from collections.abc import Sequence
from typing import Final

HEADER: Final = "traceparent"
# The first version, whose length is fixed; a later one may go on behind another dash.
_FIELDS: Final = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})"
    r"-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<more>-.*)?",
)
LONGEST: Final = 512


def trace_of(headers: Sequence[str]) -> str | None:
    """Return the trace-id that a caller's `traceparent` names; None where that is not valid.

    `headers`: the values of all headers of that name; more than one is as good as none.
    """
    if len(headers) != 1 or len(headers[0]) > LONGEST:
        return None
    found = _FIELDS.fullmatch(headers[0])
    if found is None or (found["version"] == "00" and found["more"]):
        return None
    return found["trace"]


def traceparent(trace: str, span_id: str) -> str:
    """Return the header that hands a trace on. `span_id`: 16 hex digits, not all zero.

    It says that nothing was recorded: there are lines in the log, and no spans.
    """
    return f"00-{trace}-{span_id}-00"
