"""Into what parts a file is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.upload import MIB, PARTS_MAX, SINGLE_PUT_MAX_BYTES, part_size_for
from tests.support.uploads import an_upload

TIB = 2**40
SIZES = st.integers(1, 5 * TIB)
USUAL = st.sampled_from([5 * MIB, 16 * MIB])


@given(size_bytes=SIZES, usual_bytes=USUAL)
def test_parts_are_few_and_large_enough_for_any_file(size_bytes, usual_bytes):
    part_bytes = part_size_for(size_bytes, usual_bytes)
    upload = an_upload(size_bytes=size_bytes, part_size_bytes=part_bytes)
    assert 1 <= upload.part_count <= PARTS_MAX
    assert usual_bytes <= part_bytes <= SINGLE_PUT_MAX_BYTES
    assert part_bytes % MIB == 0


@given(size_bytes=SIZES, usual_bytes=USUAL)
def test_all_parts_are_equal_but_the_last_which_holds_the_rest(size_bytes, usual_bytes):
    part_bytes = part_size_for(size_bytes, usual_bytes)
    upload = an_upload(size_bytes=size_bytes, part_size_bytes=part_bytes)
    last = upload.bytes_of_part(upload.part_count)
    assert (upload.part_count - 1) * part_bytes + last == size_bytes
    assert 1 <= last <= part_bytes


@pytest.mark.parametrize(
    ("size_bytes", "part_bytes"),
    [
        (1, 16 * MIB),
        (16 * MIB * 10_000, 16 * MIB),
        (16 * MIB * 10_000 + 1, 17 * MIB),
        (5 * TIB, 525 * MIB),
    ],
)
def test_parts_grow_only_where_there_would_be_too_many(size_bytes, part_bytes):
    assert part_size_for(size_bytes, 16 * MIB) == part_bytes


@pytest.mark.parametrize("number", [0, 3, -1])
def test_an_upload_has_no_other_parts(number):
    upload = an_upload(size_bytes=1000, part_size_bytes=600)
    with pytest.raises(ValueError, match="no part"):
        upload.bytes_of_part(number)


def test_an_upload_that_is_put_whole_has_no_parts():
    assert an_upload().part_count == 0
