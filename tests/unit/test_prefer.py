"""`Prefer: wait=N` as RFC 7240 writes it."""

import pytest

from gateway.api.prefer import LONGEST_HEADER, wait_of


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        (["wait=10"], 10),
        (["wait=0"], 0),
        (["WAIT=10"], 10),
        (["wait = 10"], 10),
        (['wait="10"'], 10),
        (["respond-async, wait=10"], 10),
        (["respond-async", "wait=10"], 10),
        (["wait=10; why=slow, return=minimal"], 10),
        (['foo="a, wait=3", wait=10'], 10),
        ([r'foo="a\", wait=3", wait=10'], 10),
        (["wait=10, wait=3"], 10),
        (["waiting=3, wait=10"], 10),
    ],
)
def test_the_first_wait_is_read_among_other_preferences(headers, wait_s):
    assert wait_of(headers) == wait_s


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [""],
        ["wait"],
        ["wait="],
        ["wait=-1"],
        ["wait=1.5"],
        ["wait=ten"],
        ["wait=1e3"],
        ["wait=١٠"],
        ['wait="10'],
        ["wait=soon, wait=10"],
        ["wait=99999999999999999999"],
        ["return=minimal"],
        ["x" * LONGEST_HEADER + ", wait=10"],
    ],
)
def test_what_is_no_wait_is_as_if_nothing_were_said(headers):
    assert wait_of(headers) is None
