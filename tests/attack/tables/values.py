"""Values that a field does not take, as raw JSON: what they are called and how they end."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

PRECISE_MAX = 2**53  # the last whole number before which a double has them all
LONG = "x" * 10_000


@dataclass(frozen=True, slots=True)
class Wrong:
    """One value as it stands in the body, and what is said of it.

    `raw` None leaves the field out. `named`: the field that is named, where it is not the
    one the value was put into; empty where none is.
    """

    label: str
    raw: str | None
    status: int = 422
    code: str = "validation_failed"
    named: str | None = None


def wrong(raw: str, **said: object) -> Wrong:
    """Return a wrong value under its own text."""
    return replace(Wrong(raw[:40], raw), **said)  # type: ignore[arg-type]  # fields of Wrong


# No field takes these, whatever it is: they are refused before anything looks at fields.
HOSTILE = (
    wrong("NaN"),
    wrong("Infinity"),
    wrong("-Infinity"),
    wrong("1e999"),
    wrong("-1e999"),
    Wrong("10^400", "1" + "0" * 400),
    Wrong("5,000 nines", "9" * 5000),
    Wrong("2^63", str(2**63)),
    Wrong("half a pair", '"\\ud83d"'),
    Wrong("the other half", '"a\\uDE00"'),
    Wrong("NUL", '"a\\u0000b"'),
)
MISSING = Wrong("missing", None)
NULL = wrong("null")
TYPES = {
    "text": ('"7"', '"x"'),
    "truth": ("true", "false"),
    "list": ("[]", "[1]"),
    "object": ("{}", '{"a": 1}'),
    "number": ("7", "7.5", "-1e5"),
}


def other_types(*but: str) -> Iterator[Wrong]:
    """Yield values of every type but these."""
    for name, raws in TYPES.items():
        if name not in but:
            yield from (wrong(raw) for raw in raws)


def whole(
    low: int, high: int, *, as_float: bool = False, null: bool = False, missing: bool = True
) -> tuple[Wrong, ...]:
    """Return what a whole number is not. `as_float`: 7.0 is one all the same."""
    return (
        *_absent(null=null, missing=missing),
        *other_types("number"),
        wrong("7.5"),
        *(() if as_float else (wrong("7.0"), wrong("1e1"))),
        *(wrong(str(each)) for each in _past(low, high)),
    )


def even(low: int, high: int, **said: bool) -> tuple[Wrong, ...]:
    """Return what an even number is not."""
    return (*whole(low, high, as_float=True, **said), wrong(str(low + 1)))


def number(
    low: float, high: float, *, null: bool = False, missing: bool = True, open_low: bool = False
) -> tuple[Wrong, ...]:
    """Return what a number in a range is not. `open_low`: the lower bound is outside it."""
    below = (str(low),) if open_low else (str(low - 0.001),)
    beyond = (str(high + 1), "1e308") if high < 1e300 else ()
    return (
        *_absent(null=null, missing=missing),
        *other_types("number"),
        *(wrong(each) for each in (*below, "-1e308", *beyond)),
    )


def text(
    low: int, high: int, *, null: bool = False, missing: bool = True, plain: bool = False
) -> tuple[Wrong, ...]:
    """Return what a text of a length is not. `plain`: it is of a form of its own."""
    odd = ("a b", "a\nb", "a/../b", "é", "\u202e", "<b>", "😀", "%00") if plain else ()
    empty = ("",) if low else ()
    return (
        *_absent(null=null, missing=missing),
        *other_types("text"),
        Wrong("too long by one", json.dumps("x" * (high + 1))),
        Wrong("far too long", json.dumps("x" * 50_000)),
        *(wrong(json.dumps(each)) for each in (*empty, *odd)),
    )


def truth(*, missing: bool = False) -> tuple[Wrong, ...]:
    """Return what is neither true nor false."""
    return (
        *_absent(null=False, missing=missing),
        *other_types("truth"),
        *map(wrong, ("0", "1", '"true"', '"yes"')),
    )


def items(
    low: int, high: int, item: str, *, null: bool = False, missing: bool = True
) -> tuple[Wrong, ...]:
    """Return what a list of so many items is not; `item` is a good one's text."""
    return (
        *_absent(null=null, missing=missing),
        *other_types("list"),
        *((wrong("[]"),) if low else ()),
        Wrong("one too many", f"[{', '.join([item] * (high + 1))}]"),
    )


def an_object(*, null: bool = False, missing: bool = True) -> tuple[Wrong, ...]:
    """Return what no object is."""
    return (*_absent(null=null, missing=missing), *other_types("object"))


def known(words: Iterable[str], *, code: str = "validation_failed") -> tuple[Wrong, ...]:
    """Return what none of some words is."""
    first = next(iter(words))
    odd = ("", "sparkle", first.upper(), f" {first}", f"{first}\n", LONG)
    return tuple(
        replace(each, code=code)
        for each in (*other_types("text"), NULL, *(wrong(json.dumps(each)) for each in odd))
    )


def said(values: Iterable[Wrong], **what: object) -> tuple[Wrong, ...]:
    """Return the values, of which something else is said."""
    return tuple(replace(each, **what) for each in values)  # type: ignore[arg-type]


def _absent(*, null: bool, missing: bool) -> tuple[Wrong, ...]:
    return (*(() if null else (NULL,)), *((MISSING,) if missing else ()))


def _past(low: int, high: int) -> Iterator[int]:
    yield low - 1
    yield -PRECISE_MAX - 1
    yield from sorted({high + 1, PRECISE_MAX + 1, 2**63 - 1})
