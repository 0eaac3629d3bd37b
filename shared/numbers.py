"""Numbers as they cross the wire: strict, finite, and no text or truth taken for one."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

# JSON's numbers are doubles in most clients: past this an integer is no longer what was sent.
LARGEST_WHOLE = 2**53 - 1


_USD = r"(0|[1-9][0-9]{0,6})(\.[0-9]{1,6})?"


def _amount(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value  # our own code's; JSON has none
    if not isinstance(value, str) or not re.fullmatch(_USD, value, re.ASCII):
        raise ValueError('must be dollars as text, such as "0.25", of six places at most')
    return value


def _whole_float_as_int(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# `5`, `5.0`, `5.5`; not `"5"`, `true`, NaN.
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]

# JSON has one sort of number, so 5.0 is 5. Stands last: `Annotated[int, Field(strict=True,
# ge=0), WHOLE]` takes `5` and `5.0`, not `5.5`, `"5"`, `true`. Bounds after it would be
# missing from the JSON schema.
WHOLE = BeforeValidator(_whole_float_as_int)

# `"0.25"`: money is decimal text, which no client makes a double of on its way.
Usd = Annotated[
    Decimal,
    BeforeValidator(_amount),
    WithJsonSchema({"type": "string", "pattern": f"^{_USD}$"}),
]
