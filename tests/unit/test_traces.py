"""The trace-id of a caller's `traceparent`, by W3C Trace Context level 1, §3.2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.traces import LONGEST, trace_of, traceparent

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    "header",
    [GOOD, f"00-{TRACE}-{SPAN}-00", f"01-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-more"],
)
def test_a_valid_header_names_its_trace(header):
    assert trace_of([header]) == TRACE


@pytest.mark.parametrize(
    "header",
    [
        "",
        TRACE,
        GOOD.upper(),
        f" {GOOD}",
        f"{GOOD}\n",
        f"{GOOD}-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"01-{TRACE}-{SPAN}-01more",
        f"01-{TRACE}-{SPAN}-01-{'x' * LONGEST}",
    ],
)
def test_any_other_header_names_none(header):
    assert trace_of([header]) is None


def test_two_headers_are_as_good_as_none():
    assert trace_of([GOOD, GOOD]) is None
    assert trace_of([]) is None


@given(st.text())
def test_whatever_is_sent_is_a_trace_or_none(header):
    assert trace_of([header]) is None


def test_what_is_handed_on_is_read_again():
    assert trace_of([traceparent(TRACE, f"{3:016x}")]) == TRACE
