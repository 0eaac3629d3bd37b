"""Numbers in a path, a query or a header: digits as people write them, and nothing like them.

Left to itself, `1_0` would be 10, and `+1`, ` 1` and `1.0` would all be 1.
"""

import re
from typing import Any, Final

from pydantic import BeforeValidator

_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]{0,15})")
_DECIMAL: Final = re.compile(r"(0|[1-9][0-9]{0,15})(\.[0-9]{1,16})?")


def _plain(form: re.Pattern[str], what: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if isinstance(value, str) and not form.fullmatch(value):
            raise ValueError(f"must be a {what}")
        return value

    return BeforeValidator(check)


# They stand last: `Annotated[int, Query(ge=1, le=100), PLAIN_WHOLE]`.
PLAIN_WHOLE: Final = _plain(_WHOLE, "whole number")
PLAIN_DECIMAL: Final = _plain(_DECIMAL, "decimal number")
