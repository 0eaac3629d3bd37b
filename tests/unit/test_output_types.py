"""What an output of a kind may be: one type, or one of those its input chooses among."""

from dataclasses import replace

import pytest

from shared.kinds.export.overlay import KIND


@pytest.mark.parametrize(
    ("said", "types"),
    [
        ("image/png", ("image/png",)),
        (("image/png", "image/webp"), ("image/png", "image/webp")),
    ],
)
def test_an_output_is_of_one_type_or_of_several(said, types):
    assert replace(KIND, outputs={"image": said}).content_types("image") == types


def test_what_is_no_output_has_no_type():
    assert KIND.content_types("image") == ()
