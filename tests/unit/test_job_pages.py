"""Cursors: good for the list that gave them, and for no other."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.job import Status
from gateway.core.job_pages import JobFilter, Place, cursor_of, place_of
from shared.errors import ValidationFailed
from tests.support.jobs import NOON

PLACE = Place(NOON + timedelta(microseconds=7), "0198-j1")
INSTANTS = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants it naive
PLACES = st.builds(Place, INSTANTS, st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
FILTERS = st.builds(
    JobFilter,
    st.none() | st.sampled_from(Status),
    st.none() | st.text(max_size=20),
    st.none() | st.text(max_size=20),
    st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3),
)


@given(st.text(max_size=9), FILTERS, PLACES)
def test_a_cursor_is_text_for_a_url_and_leads_back_to_its_place(tenant, wanted, place):
    cursor = cursor_of(tenant, wanted, place)
    assert place_of(tenant, wanted, cursor) == place
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert cursor.isascii()


@given(st.text(max_size=300))
def test_a_text_that_is_no_cursor_is_refused_by_its_code(text):
    with pytest.raises(ValidationFailed) as refused:
        place_of("default", JobFilter(), text)
    assert refused.value.what == "bad_cursor"
    assert [error.field for error in refused.value.errors] == ["cursor"]


@given(st.data())
def test_a_cursor_with_one_character_changed_or_added_is_refused(data):
    cursor = cursor_of("default", JobFilter(), PLACE)
    at = data.draw(st.integers(0, len(cursor)))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != cursor[at : at + 1]))
    keep = data.draw(st.sampled_from([at, at + 1]))
    with pytest.raises(ValidationFailed):
        place_of("default", JobFilter(), cursor[:at] + other + cursor[keep:])


@pytest.mark.parametrize(
    ("tenant", "wanted"),
    [
        ("other", JobFilter()),
        ("default", JobFilter(status=Status.FAILED)),
        ("default", JobFilter(kind="x")),
        ("default", JobFilter(parent_id="x")),
        ("default", JobFilter(labels={"a": "b"})),
    ],
)
def test_a_cursor_of_another_list_is_refused(tenant, wanted):
    with pytest.raises(ValidationFailed):
        place_of(tenant, wanted, cursor_of("default", JobFilter(), PLACE))
