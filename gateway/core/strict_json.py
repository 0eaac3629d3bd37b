"""JSON as we take it: UTF-8, finite numbers of ordinary size, text that can be stored.

A body is read while everybody else waits, so the sound one is looked at by the standard
library's C alone; only what could be at fault is walked.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from shared.errors import FieldError, ValidationFailed

WHOLE_MIN, WHOLE_MAX = -(2**63), 2**63 - 1
DIGITS_MAX = 20  # a sign and the digits of `WHOLE_MAX`
REPORTED_MAX = 20

Path = tuple[str | int, ...]

_CONTAINERS = (dict, list)
# Every digit becomes 0, and E is e: what a number could be too large by is then easy to find.
_ALIKE = bytes.maketrans(b"123456789E", b"000000000e")
_MAY_BE_TOO_LARGE = (b"0" * 19, b"e000", b"e+000")


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands in a parsed document where something was that we do not take."""

    why: str


@dataclass(slots=True)
class _Marks:
    """The marks left in a document; past the first few all are one."""

    left: list[_Refused] = field(default_factory=list)

    def __call__(self, why: str) -> _Refused:
        if len(self.left) < REPORTED_MAX:
            self.left.append(_Refused(why))
        return self.left[-1]


def parse(data: bytes, *, depth_max: int, members_max: int | None = None) -> Any:
    """Return what the document says.

    Raises `ValidationFailed` that names the fields: not UTF-8 or not JSON (`body`), NaN and
    infinities, numbers past 64 bits, text with NUL or half a surrogate pair, a field given
    twice in one object or more than `members_max` of them, and nesting deeper than
    `depth_max` (`[]` is 1 deep).
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _refusal("body", "is not UTF-8") from error
    marks = _Marks()
    try:
        value = _decoder(data, marks, members_max).decode(text)
    except RecursionError as error:
        raise _refusal("body", f"is nested deeper than {depth_max} levels") from error
    except json.JSONDecodeError as error:
        raise _refusal("body", f"is not JSON, from character {error.pos} on") from error
    if marks.left or _may_hold_bad_text(data) or _is_too_deep(data, value, depth_max):
        found = list(islice(_faults(value, depth_max), REPORTED_MAX))
        if found:
            raise ValidationFailed(found)
    return value


def _decoder(
    data: bytes, refuse: Callable[[str], _Refused], members_max: int | None
) -> json.JSONDecoder:
    """Return a decoder that puts a mark where something is not taken."""

    def whole(digits: str) -> int | _Refused:
        if len(digits) <= DIGITS_MAX and WHOLE_MIN <= (number := int(digits)) <= WHOLE_MAX:
            return number
        return refuse("is too large a number")

    def fraction(digits: str) -> float | _Refused:
        number = float(digits)
        return number if math.isfinite(number) else refuse("is too large a number")

    def constant(name: str) -> _Refused:
        return refuse(f"{name} is no number")

    def members(pairs: list[tuple[str, Any]]) -> Any:
        found = dict(pairs)
        if members_max is not None and len(found) > members_max:
            return refuse(f"has more than {members_max} fields")
        return found if len(found) == len(pairs) else {**found, **_doubled(pairs, refuse)}

    alike = data.translate(_ALIKE)
    careful = any(sign in alike for sign in _MAY_BE_TOO_LARGE)
    return json.JSONDecoder(
        parse_int=whole if careful else None,
        parse_float=fraction if careful else None,
        parse_constant=constant,
        object_pairs_hook=members,
    )


def _doubled(
    pairs: list[tuple[str, Any]], refuse: Callable[[str], _Refused]
) -> dict[str, _Refused]:
    """Return a mark for each name that is there more than once."""
    counted = Counter(name for name, _ in pairs)
    return {name: refuse("is given more than once") for name, n in counted.items() if n > 1}


def _may_hold_bad_text(data: bytes) -> bool:
    """UTF-8 has no halves of pairs, and JSON no bare NUL: both come escaped or not at all."""
    escapes = data.lower()
    return b"\\u0000" in escapes or b"\\ud" in escapes


def _is_too_deep(data: bytes, value: Any, depth_max: int) -> bool:
    if data.count(b"[") + data.count(b"{") <= depth_max:
        return False
    level = [value] if isinstance(value, _CONTAINERS) else []
    for _ in range(depth_max):
        level = [
            inner
            for each in level
            for inner in (each.values() if type(each) is dict else each)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


def _faults(value: Any, depth_max: int) -> Iterator[FieldError]:
    """Walk without recursion, for the depth is the caller's choice."""
    if why := _fault(value):
        yield _at((), why)
    waiting: list[tuple[Path, Any]] = [((), value)] if isinstance(value, _CONTAINERS) else []
    while waiting:
        path, each = waiting.pop()
        if len(path) >= depth_max:
            yield _at(path, f"is nested deeper than {depth_max} levels")
            continue
        named = isinstance(each, dict)
        if named:
            yield from (_at(path, f"a field's name {w}") for key in each if (w := _fault(key)))
        for key, inner in each.items() if named else enumerate(each):
            if type(inner) is dict or type(inner) is list:
                waiting.append(((*path, _shown(key)), inner))
            elif why := _fault(inner):
                yield _at((*path, _shown(key)), why)


def _fault(value: Any) -> str | None:
    if type(value) is str:
        if "\0" in value:
            return "holds a NUL character"
        return None if value.isascii() or _is_unicode(value) else "holds half a surrogate pair"
    return value.why if type(value) is _Refused else None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(key: str | int) -> str | int:
    """Return a field's name fit for an answer."""
    return key.encode(errors="replace").decode()[:100] if isinstance(key, str) else key


def _at(path: Path, message: str) -> FieldError:
    return FieldError.at(path or ("body",), message)


def _refusal(field: str, message: str) -> ValidationFailed:
    return ValidationFailed([FieldError(field, message)])
