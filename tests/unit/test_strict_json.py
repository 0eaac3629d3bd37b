"""JSON as we take it."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.strict_json import parse
from shared.errors import ValidationFailed

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcé", max_size=3), inner),
    max_leaves=20,
)


def fields_refused(data, depth_max=32):
    with pytest.raises(ValidationFailed) as refused:
        parse(data, depth_max=depth_max)
    return [error.field for error in refused.value.errors]


@given(VALUES, st.booleans())
def test_sound_json_comes_back_as_the_standard_library_reads_it(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse(text.encode(), depth_max=100) == json.loads(text)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_and_nothing_else(data):
    with suppress(ValidationFailed):
        parse(data, depth_max=8)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"a": [1, {"b": NaN}]}', "a.1.b"),
        ('{"a": Infinity}', "a"),
        ('{"a": -Infinity}', "a"),
        ('{"a": 1e999}', "a"),
        ('{"a": -1e999}', "a"),
        ('{"a": 9223372036854775808}', "a"),
        ('{"a": -9223372036854775809}', "a"),
        ('{"a": ' + "9" * 5000 + "}", "a"),
        ('{"a": "x\\u0000"}', "a"),
        ('{"a": "x\\ud800"}', "a"),
        ('{"a": "\\uDC00x"}', "a"),
        ('{"a": {"b\\ud800": 1}}', "a"),
        ('{"a": {"b\\u0000": 1}}', "a"),
        ('{"a": 1' + "0" * 400 + "}", "a"),
        ('{"a": 1' + "0" * 400 + ".5}", "a"),
        ('{"a": 1E+400}', "a"),
        ('{"a": 1e0000400}', "a"),
        ('{"a": 1, "b": 2, "a": 1}', "a"),
        ('{"a": [{"b": 1, "\\u0062": 2}]}', "a.0.b"),
        ("NaN", "body"),
        ("{", "body"),
        ("", "body"),
        ("{'a': 1}", "body"),
        ('{"a": "line\nbreak"}', "body"),
        ("\ufeff{}", "body"),
    ],
)
def test_d121_what_no_column_and_no_renderer_can_take_is_refused_by_field(text, field):
    assert fields_refused(text.encode()) == [field]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 9223372036854775807}',
        '{"a": -9223372036854775808}',
        '{"a": 1.7976931348623157e308}',
        '{"a": "\\ud83c\\udfac"}',
        '{"a": "\\\\u0000 and \\\\ud800 are spelled out"}',
    ],
)
def test_what_stands_at_the_border_is_taken(text):
    assert parse(text.encode(), depth_max=32) == json.loads(text)


@pytest.mark.parametrize("data", [b"\xff\xfe", b'{"a": "\xed\xa0\x80"}', b'"\xc3"'])
def test_bytes_that_are_not_utf8_are_refused(data):
    assert fields_refused(data) == ["body"]


def test_nesting_is_counted_to_its_limit_and_not_past_it():
    assert parse(b"[" * 8 + b"]" * 8, depth_max=8) == [[[[[[[[]]]]]]]]
    assert fields_refused(b'{"a": [' + b"[" * 7 + b"]" * 7 + b"]}", 8) == ["a.0.0.0.0.0.0.0"]


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_absurd_nesting_is_refused_without_recursion(opening):
    assert fields_refused(opening * 100_000) == ["body"]


def test_what_is_no_json_is_told_by_its_place_alone():
    with pytest.raises(ValidationFailed) as refused:
        parse(b'{"a": tru}', depth_max=8)
    (error,) = refused.value.errors
    assert error.message == "is not JSON, from character 6 on"


def test_the_fields_of_one_object_are_counted_to_their_limit_and_not_past_it():
    members = json.dumps({"a": {str(n): n for n in range(8)}}).encode()
    assert len(parse(members, depth_max=8, members_max=8)["a"]) == 8
    with pytest.raises(ValidationFailed) as refused:
        parse(members, depth_max=8, members_max=7)
    assert [each.field for each in refused.value.errors] == ["a"]


def test_many_brackets_side_by_side_are_not_deep():
    assert len(parse(json.dumps([[]] * 1000).encode(), depth_max=2)) == 1000


def test_brackets_inside_text_are_not_deep():
    assert parse(json.dumps("[" * 1000).encode(), depth_max=2) == "[" * 1000


def test_a_flood_of_faults_is_answered_with_the_first_ones():
    assert len(fields_refused(b"[" + b"NaN," * 1000 + b"1]")) == 20
