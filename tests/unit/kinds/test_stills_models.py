"""What `media.ingest` and `export.frame` take, and how long they may."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import JobFailed, ValidationFailed
from shared.job_kind import StoredFile
from shared.kinds.export.frame import KIND as FRAME
from shared.kinds.media.ingest import KIND as INGEST
from shared.render.cropping import Size
from shared.render.plan import Footage

ASKED = {"source": {"asset_id": "a1"}}
FOOTAGE = Footage(Size(640, 360), Fraction(30_000, 1001), 300, Fraction(1001, 100))
KINDS = pytest.mark.parametrize("kind", [FRAME, INGEST], ids=["frame", "ingest"])


@KINDS
@given(size_bytes=st.integers(1, 5 * 2**40))
def test_an_estimate_is_within_the_limit_and_the_limit_within_the_deadline(kind, size_bytes):
    files = {"source": StoredFile(size_bytes, "video/mp4")}
    likely_s, limit_s = kind.price.likely_s(None, files), kind.price.limit_s(None, files)
    assert 0 < likely_s <= limit_s < kind.deadline_s


@KINDS
def test_a_longer_file_never_has_a_shorter_limit(kind):
    limits = [
        kind.price.limit_s(None, {"source": StoredFile(2**power, "video/mp4")})
        for power in range(43)
    ]
    assert limits == sorted(limits)


def test_a_thumbnail_fits_512_pixels_unless_another_size_is_asked_for():
    assert INGEST.parse_input(ASKED).max_size == 512
    assert INGEST.parse_input({**ASKED, "max_size": 64.0}).max_size == 64


@pytest.mark.parametrize("wrong", [15, 2049, 0, -1, "512", True, 64.5, None])
def test_a_size_no_thumbnail_has_is_refused_by_its_field(wrong):
    with pytest.raises(ValidationFailed) as refused:
        INGEST.parse_input({**ASKED, "max_size": wrong})
    assert [each.field for each in refused.value.errors] == ["input.max_size"]


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({"frame": 0}, 0),
        ({"frame": 299}, 299),
        ({"time": 0}, 0),
        ({"time": 1.0}, 29),  # frame 29 is on show from 0.967 s to 1.001 s
        ({"time": 1.001}, 30),  # what a float is just short of counts as reached
        ({"time": 10.009}, 299),
    ],
)
def test_a_frame_is_asked_for_by_its_number_or_its_time(asked, number):
    assert FRAME.parse_input({**ASKED, **asked}).number_in(FOOTAGE) == number


@pytest.mark.parametrize("asked", [{"frame": 300}, {"time": 10.01}, {"time": 1e300}])
def test_what_lies_past_the_end_is_an_invalid_range(asked):
    with pytest.raises(JobFailed) as failed:
        FRAME.parse_input({**ASKED, **asked}).number_in(FOOTAGE)
    assert failed.value.what == "invalid_range"


def test_a_frame_has_the_look_of_an_export_and_nothing_of_its_file():
    look = {
        "crop_keyframes": [{"frame": 0, "x": 0, "y": 0, "width": 90, "height": 160}],
        "highlight_regions": [],
        "effect_type": "dark_overlay",
        "layers": [],
    }
    assert FRAME.parse_input({**ASKED, "frame": 0, **look}).crop_keyframes
    with pytest.raises(ValidationFailed):
        FRAME.parse_input({**ASKED, "frame": 0, "codec": "hevc"})


def test_every_format_is_an_output_s_type():
    assert FRAME.content_types("image") == ("image/png", "image/jpeg", "image/webp")
    assert INGEST.content_types("thumbnail") == ("image/png",)
