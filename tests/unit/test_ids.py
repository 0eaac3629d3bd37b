"""UUIDv7: form and order."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.ids import NewId
from shared.ids import uuid7
from tests.support.jobs import HandClock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 7 * 10**15).map(lambda micros: EPOCH + timedelta(microseconds=micros))
RANDOM = st.binary(min_size=10, max_size=10)


@given(INSTANTS, RANDOM)
def test_an_id_is_a_uuid_of_version_7_that_holds_its_millisecond(at, random):
    made = UUID(uuid7(at, random))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == (at - EPOCH) // timedelta(milliseconds=1)


@given(INSTANTS, st.integers(1, 10**9), RANDOM, RANDOM)
def test_ids_sort_by_time_to_the_microsecond(at, micros, one, other):
    assert uuid7(at, one) < uuid7(at + timedelta(microseconds=micros), other)


def test_an_id_wants_ten_random_bytes():
    with pytest.raises(ValueError, match="10 random bytes"):
        uuid7(datetime(2026, 1, 1, tzinfo=UTC), b"")


def test_new_ids_differ_though_the_clock_stands_still():
    new_id = NewId(HandClock())
    assert len({new_id() for _ in range(1000)}) == 1000
