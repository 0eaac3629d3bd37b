"""Numbers in paths, queries and headers."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateway.api.plain_numbers import PLAIN_DECIMAL, PLAIN_WHOLE

WHOLE: TypeAdapter[int] = TypeAdapter(Annotated[int, PLAIN_WHOLE])
DECIMAL: TypeAdapter[float] = TypeAdapter(Annotated[float, PLAIN_DECIMAL])


@given(st.integers(-(10**16) + 1, 10**16 - 1))
def test_a_whole_number_is_taken_as_it_is_written(number):
    assert WHOLE.validate_python(str(number)) == number


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("25", 25), ("0.5", 0.5), ("2.50", 2.5)]
)
def test_a_decimal_number_is_taken_as_it_is_written(text, number):
    assert DECIMAL.validate_python(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "+1",
        "1_0",
        "01",
        "1e1",
        "0x1",
        "١",
        "１",
        "²",
        "1\n",
        "9" * 17,
        "nan",
        "--1",
    ],
)
@pytest.mark.parametrize("numbers", [WHOLE, DECIMAL])
def test_what_is_only_like_a_number_is_refused(numbers, text):
    with pytest.raises(ValidationError):
        numbers.validate_python(text)


@pytest.mark.parametrize("text", ["1.0", "1.", ".5"])
def test_a_whole_number_has_no_point(text):
    with pytest.raises(ValidationError):
        WHOLE.validate_python(text)


@pytest.mark.parametrize("text", ["1.", ".5", "-1", "inf", "1.5.5"])
def test_a_decimal_number_is_whole_on_both_sides_of_its_point(text):
    with pytest.raises(ValidationError):
        DECIMAL.validate_python(text)
