"""JSON as we take it: UTF-8, finite numbers of ordinary size, text that can be stored."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from shared.errors import FieldError, ValidationFailed

WHOLE_MIN, WHOLE_MAX = -(2**63), 2**63 - 1
DIGITS_MAX = 20  # a sign and the digits of `WHOLE_MAX`
REPORTED_MAX = 20

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands in a parsed document where something was that we do not take."""

    why: str


def parse(data: bytes, *, depth_max: int) -> Any:
    """Return what the document says.

    Raises `ValidationFailed` that names the fields: not UTF-8 or not JSON (`body`), NaN and
    infinities, numbers past 64 bits, text with NUL or half a surrogate pair, and nesting
    deeper than `depth_max` (`[]` is 1 deep).
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _refusal("body", "is not UTF-8") from error
    refused: list[_Refused] = []

    def refuse(why: str) -> _Refused:
        refused.append(_Refused(why))
        return refused[-1]

    try:
        value = _decoder(refuse).decode(text)
    except RecursionError as error:
        raise _refusal("body", f"is nested deeper than {depth_max} levels") from error
    except json.JSONDecodeError as error:
        raise _refusal("body", f"is not JSON: {error.msg}, character {error.pos}") from error
    if refused or _needs_a_look(data, depth_max):
        found = list(islice(_faults(value, depth_max), REPORTED_MAX))
        if found:
            raise ValidationFailed(found)
    return value


def _decoder(refuse: Callable[[str], _Refused]) -> json.JSONDecoder:
    """Return a decoder that puts a mark where a number is not taken."""

    def whole(digits: str) -> int | _Refused:
        if len(digits) <= DIGITS_MAX and WHOLE_MIN <= (number := int(digits)) <= WHOLE_MAX:
            return number
        return refuse("is too large a number")

    def fraction(digits: str) -> float | _Refused:
        number = float(digits)
        return number if math.isfinite(number) else refuse("is too large a number")

    def constant(name: str) -> _Refused:
        return refuse(f"{name} is no number")

    return json.JSONDecoder(parse_int=whole, parse_float=fraction, parse_constant=constant)


def _needs_a_look(data: bytes, depth_max: int) -> bool:
    """Tell cheaply whether anything could be wrong; most documents are not walked at all."""
    if data.count(b"[") + data.count(b"{") > depth_max:
        return True
    escapes = data.lower()
    return b"\\u0000" in escapes or b"\\ud" in escapes


def _faults(value: Any, depth_max: int) -> Iterator[FieldError]:
    """Walk without recursion, for the depth is the caller's choice."""
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, each = waiting.pop()
        if isinstance(each, dict | list) and len(path) >= depth_max:
            yield _at(path, f"is nested deeper than {depth_max} levels")
        elif isinstance(each, dict):
            yield from (_at(path, f"a field's name {w}") for key in each if (w := _fault(key)))
            waiting.extend(((*path, _shown(key)), inner) for key, inner in each.items())
        elif isinstance(each, list):
            waiting.extend(((*path, index), inner) for index, inner in enumerate(each))
        elif why := _fault(each):
            yield _at(path, why)


def _fault(value: Any) -> str | None:
    match value:
        case _Refused(why):
            return why
        case str() if "\0" in value:
            return "holds a NUL character"
        case str() if not _is_unicode(value):
            return "holds half a surrogate pair"
        case _:
            return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(key: str) -> str:
    """Return a field's name fit for an answer."""
    return key.encode(errors="replace").decode()[:100]


def _at(path: Path, message: str) -> FieldError:
    return FieldError.at(path or ("body",), message)


def _refusal(field: str, message: str) -> ValidationFailed:
    return ValidationFailed([FieldError(field, message)])
