"""Bodies that are wrong as a whole, whatever route they are sent to."""

import json
from collections.abc import Callable
from dataclasses import dataclass

DEPTH_MAX = 32
MEMBERS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Document:
    """What becomes of a good body, and the field that is named for it."""

    label: str
    of: Callable[[bytes], bytes]
    named: str = "body"


def _nested(levels: int, opening: bytes, closing: bytes, inner: bytes = b"") -> bytes:
    return opening * levels + inner + closing * levels


def _with(member: bytes) -> Callable[[bytes], bytes]:
    """Return what adds a member before those of the good body."""
    return lambda good: b"{" + member + b", " + good[1:]


NOT_JSON = (
    Document("empty but for spaces", lambda _: b" \n\t "),
    Document("a good one and more", lambda good: good + b"x"),
    Document("two in a row", lambda good: good + good),
    Document("one a line", lambda good: good + b"\n" + good),
    Document("a NUL behind it", lambda good: good + b"\0"),
    Document("a bracket behind it", lambda good: good + b"}"),
    Document("cut off", lambda good: good[:-1]),
    Document("a comment", lambda good: b"/* */" + good),
    Document("a comma too many", lambda good: good[:-1] + b",}"),
    Document("quoted by apostrophes", lambda good: good.replace(b'"', b"'")),
    Document("a bare name", _with(b"a: 1")),
    Document("Python", _with(b'"a": None')),
    Document("a number in hexadecimal", _with(b'"a": 0x10')),
    Document("a number with a zero before it", _with(b'"a": 01')),
    Document("a number with a plus", _with(b'"a": +1')),
    Document("a number that ends in its point", _with(b'"a": 1.')),
    Document("a text on two lines", _with(b'"a": "\n"')),
    Document("a control character in a text", _with(b'"a": "\x01"')),
    Document("an escape that is none", _with(b'"a": "\\x41"')),
    Document("half an escape", _with(b'"a": "\\u00"')),
    Document("a form", lambda _: b"a=1&b=2"),
    Document("XML", lambda _: b'<?xml version="1.0"?><a/>'),
    Document("brackets without an end", lambda _: b"[" * 20_000),
    Document("objects without an end", lambda _: b'{"a":' * 20_000),
)
NOT_UTF8 = (
    Document("a mark of byte order", lambda good: b"\xef\xbb\xbf" + good),
    Document("UTF-16", lambda good: good.decode().encode("utf-16")),
    Document("UTF-16 without a mark", lambda good: good.decode().encode("utf-16-le")),
    Document("UTF-32", lambda good: good.decode().encode("utf-32")),
    Document("Latin-1", _with(b'"a": "\xe9"')),
    Document("an overlong NUL", _with(b'"a": "\xc0\x80"')),
    Document("a surrogate by itself", _with(b'"a": "\xed\xa0\x80"')),
    Document("past the last character", _with(b'"a": "\xf4\x90\x80\x80"')),
    Document("half a character", lambda good: good[:-1] + b"\xe2\x82"),
    Document("bytes", lambda _: bytes(range(256))),
)
NO_OBJECT = (
    Document("a list", lambda _: b"[]"),
    Document("a list of it", lambda good: b"[" + good + b"]"),
    Document("a text", lambda _: b'"x"'),
    Document("it as a text", lambda good: json.dumps(good.decode()).encode()),
    Document("a number", lambda _: b"7"),
    Document("a truth", lambda _: b"true"),
    Document("NaN", lambda _: b"NaN"),
)
NOT_TAKEN = (
    Document("a field twice", _with(b'"a": 1, "a": 1'), "a"),
    Document("a field twice, spelt in two ways", _with(b'"a": 1, "\\u0061": 1'), "a"),
    Document("a field twice, deep down", _with(b'"a": [{"b": {"c": 1, "c": 2}}]'), "a.0.b.c"),
    Document("NaN where nobody looks", _with(b'"a": {"b": [NaN]}'), "a.b.0"),
    Document("a NUL where nobody looks", _with(b'"a": "\\u0000"'), "a"),
    Document("a name with a NUL", _with(b'"a\\u0000": 1'), "body"),
    Document("a name that is half a pair", _with(b'"\\ud800": 1'), "body"),
    Document(
        "lists one level too deep",
        _with(b'"a": ' + _nested(DEPTH_MAX, b"[", b"]")),
        f"a{'.0' * (DEPTH_MAX - 1)}",
    ),
    Document(
        "objects one level too deep",
        _with(b'"a": ' + _nested(DEPTH_MAX, b'{"a":', b"}", b"1")),
        f"a{'.a' * (DEPTH_MAX - 1)}",
    ),
    Document("lists far too deep", _with(b'"a": ' + _nested(900, b"[", b"]")), f"a{'.0' * 31}"),
    Document("lists past all measure", _with(b'"a": ' + _nested(5000, b"[", b"]"))),
)
EVERYWHERE = (*NOT_JSON, *NOT_UTF8, *NO_OBJECT, *NOT_TAKEN)


# What is unknown: refused on `/v1`, ignored by products.
UNKNOWN = (
    Document("a field", _with(b'"colour": 1'), "colour"),
    Document("a field of no name", _with(b'"": 1'), "body"),
    Document("a field with a dot", _with(b'"a.b": 1'), "a.b"),
    Document("a prototype", _with(b'"__proto__": {"admin": true}'), "__proto__"),
    Document("a class", _with(b'"__class__": 1'), "__class__"),
    Document("a tenant", _with(b'"tenant": "other"'), "tenant"),
    Document("a field in capitals", _with(b'"KIND": 1'), "KIND"),
    Document("a face", _with('"😀": 1'.encode()), "😀"),
    Document("a long name", _with(b'"' + b"x" * 5000 + b'": 1'), "x" * 200),
    Document("as deep as may be", _with(b'"a": ' + _nested(DEPTH_MAX - 1, b"[", b"]")), "a"),
    Document("a long list", _with(b'"a": [' + b"0," * 20_000 + b"0]"), "a"),
    Document("many lists", _with(b'"a": [' + b"[]," * 20_000 + b"[]]"), "a"),
    Document(
        "many fields",
        _with(b",".join(b'"a%d": 0' % n for n in range(MEMBERS_MAX - 100))),
        "a0",
    ),
)
TOO_MANY = Document(
    "too many fields", _with(b",".join(b'"a%d": 0' % n for n in range(MEMBERS_MAX + 1)))
)
