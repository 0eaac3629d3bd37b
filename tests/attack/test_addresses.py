"""Addresses that are none, methods that are none there, and ids of every sort."""

import pytest

from tests.attack.refusals import PLAIN, V1, told
from tests.attack.walk import BODIES, PREFIXES, methods_at, of_default, walked

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "x")

NO_IDS = {
    "unknown": "nobody",
    "a question mark": "%3F",
    "a query inside": "x%3Fy=1",
    "dots": "..",
    "dots, escaped": "%2e%2e",
    "one dot": ".",
    "a fragment": "%23",
    "a percent sign": "%25",
    "half an escape": "%2",
    "no escape": "%zz",
    "a backslash": "%5C..%5C",
    "a NUL": "%00",
    "an id and a NUL": "id1%00",
    "a line": "a%0D%0AX-Injected:%201",
    "a blank": "%20",
    "a quote": "'%20OR%201=1--",
    "a wildcard": "%25%25",
    "a star": "*",
    "a list": "id1,id2",
    "markup": "%3Cscript%3E",
    "unicode": "%C3%A9%F0%9F%98%80",
    "no UTF-8": "%FF%FE",
    "an overlong slash": "%C0%AF",
    "half a pair": "%ED%A0%80",
    "right to left": "%E2%80%AE",
    "long": "x" * 10_000,
    "long and escaped": "%41" * 5_000,
}
# These are other addresses, and there is nothing at them.
NO_ADDRESSES = {"a slash": "a%2Fb", "a way out": "..%2F..%2Fhealthz", "nothing": ""}
NO_NUMBERS = {
    **NO_IDS,
    "minus": "-1",
    "plus": "+7",
    "a point": "7.0",
    "an exponent": "7e0",
    "hexadecimal": "0x7",
    "a zero before it": "07",
    "an underscore": "0_7",
    "a blank before it": "%207",
    "other digits": "%D9%A7",
    "wide digits": "%EF%BC%97",
    "too large": str(2**53 + 1),
    "far too large": "9" * 400,
    "truth": "true",
}
NOWHERE = (
    "/",
    "//",
    "/a/b/c/d/e",
    "/.git/config",
    "/%C3%A9/a/b/c",
    "/%2e%2e/%2e%2e/etc/passwd",
)


def by_id(target, place, values):
    """Ask with each value in the place of the address's ids and of its first number."""
    given = of_default(target.has, place)
    first = "project_id" if "{project_id}" in place.template else ""

    def answer(raw: str) -> tuple[int, str, str]:
        address = place.filled(lambda name: raw if name in {first, *place.ids} else given(name))
        return told(target.ask(place.method, address, BODIES.get(place.template)))

    return {label: answer(raw) for label, raw in values.items()}


def with_ids(target):
    """Return the addresses with an id, but those of workers: they say 401 to everybody."""
    return [
        place
        for place in walked(target)
        if place.ids and not place.template.startswith("/v1/work/")
    ]


def test_no_text_in_the_place_of_an_id_finds_anything_or_breaks_anything(target):
    before = target.written()
    for place in with_ids(target):
        code = "asset_not_found" if "asset_id" in place.ids else "not_found"
        found = by_id(target, place, NO_IDS)
        assert found == dict.fromkeys(NO_IDS, (404, code, "")), str(place)
    assert target.written() == before


def test_a_slash_in_an_id_makes_another_address(target):
    for place in with_ids(target):
        found = by_id(target, place, NO_ADDRESSES)
        assert found == dict.fromkeys(NO_ADDRESSES, (404, "not_found", "")), str(place)


def test_no_text_in_the_place_of_a_number_is_one(target):
    before = target.written()
    for place in (each for each in walked(target) if "{project_id}" in each.template):
        found = by_id(target, place, NO_NUMBERS)
        assert found == dict.fromkeys(NO_NUMBERS, (422, "validation_failed", "project_id"))
    assert target.written() == before


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_what_is_not_there_is_not_found_in_the_words_of_its_surface(target, prefix, method):
    members = V1 if prefix == "/v1" else PLAIN
    for tail in NOWHERE:
        answer = target.ask(method, f"{prefix}{tail}")
        assert told(answer) == (404, "not_found", ""), tail
        assert set(answer.json()) == members


def test_a_method_that_is_none_there_is_told_which_are(target):
    found, right = {}, {}
    for template, methods in methods_at(target).items():
        place = next(each for each in walked(target) if each.template == template)
        address = place.filled(of_default(target.has, place))
        for method in (each for each in METHODS if each not in methods):
            answer = target.ask(method, address)
            found[method, template] = (*told(answer), answer.headers["allow"])
            right[method, template] = (
                405,
                "method_not_allowed",
                "",
                ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods)),
            )
    assert found == right
