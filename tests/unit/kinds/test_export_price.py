"""How long an export may take: from what is stored, never from what a caller says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.job_kind import StoredFile
from shared.kinds.export import framing, overlay

KINDS = pytest.mark.parametrize("kind", [framing.KIND, overlay.KIND], ids=lambda k: k.name)
MB = 1_000_000


def order(kind: Any, **fields: Any) -> Any:
    return kind.parse_input({"source": {"asset_id": "a"}, "crop_keyframes": None, **fields})


def stored(size_bytes: int, duration_s: float | None = None) -> dict[str, StoredFile]:
    return {"source": StoredFile(size_bytes, "video/mp4", duration_s)}


@KINDS
def test_the_limit_ignores_what_a_caller_says_of_the_length(kind: Any) -> None:
    limits = {
        kind.price.limit_s(order(kind), stored(20 * MB, said)) for said in (None, 0.01, 1e9)
    }

    assert len(limits) == 1


@KINDS
def test_each_layer_takes_its_time_and_gets_it(kind: Any) -> None:
    plain, titled = order(kind), order(kind, layers=[{"type": "text", "text": "Goal"}] * 50)
    files = stored(20 * MB, 60)

    likely = [kind.price.likely_s(each, files) for each in (plain, titled)]
    limits = [kind.price.limit_s(each, files) for each in (plain, titled)]

    assert likely == [pytest.approx(4.4 + 30), pytest.approx(4.4 + 30 * 4)]
    assert limits[1] - 300 == pytest.approx((limits[0] - 300) * 4)


@given(st.integers(1, 5 * 2**40), st.integers(8, 2048), st.integers(8, 1080))
def test_the_limit_has_a_floor_and_a_cap_below_the_deadline(
    size_bytes: int, half_width: int, half_height: int
) -> None:
    for kind in (framing.KIND, overlay.KIND):
        sized = order(kind, output_width=2 * half_width, output_height=2 * half_height)

        limit_s = kind.price.limit_s(sized, stored(size_bytes))

        assert 300 <= limit_s <= 3300 < kind.deadline_s


@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_a_larger_file_never_gets_less_time(size_bytes: int, more: int) -> None:
    limit_s = framing.KIND.price.limit_s
    asked = order(framing.KIND)

    assert limit_s(asked, stored(size_bytes)) <= limit_s(asked, stored(size_bytes + more))


@pytest.mark.parametrize(
    ("size_bytes", "width", "height", "limit_s"),
    [
        (2_811_553, 1080, 1920, 385.8),
        (32 * MB, 1080, 1920, 1276.6),
        (32 * MB, 540, 960, 1276.6),
        (10 * MB, 2160, 3840, 1520.7),
        (5 * 2**30, 1080, 1920, 3300),
    ],
)
def test_the_limit_grows_with_stored_bytes_and_large_outputs(
    size_bytes: int, width: int, height: int, limit_s: float
) -> None:
    asked = order(framing.KIND, output_width=width, output_height=height)

    assert framing.KIND.price.limit_s(asked, stored(size_bytes)) == pytest.approx(
        limit_s, abs=0.1
    )


def test_the_estimate_follows_the_stated_length_the_output_and_the_trim() -> None:
    likely_s = framing.KIND.price.likely_s
    files = stored(10 * MB, 20.0)

    plain = likely_s(order(framing.KIND), files)
    large = likely_s(order(framing.KIND, output_width=2160, output_height=3840), files)
    trimmed = likely_s(order(framing.KIND, start_time=5, end_time=9), files)
    unstated = likely_s(order(framing.KIND), stored(10 * MB))

    assert plain == pytest.approx(14.2)
    assert large == pytest.approx(44.2)
    assert trimmed == pytest.approx(6.2)
    assert unstated == pytest.approx(9.2)


@KINDS
@pytest.mark.parametrize(
    ("codec", "quality", "likely_s", "limit_s"),
    [
        ("h264", "draft", 9.2, 605.2),
        ("h264", "standard", 14.2, 605.2),
        ("h264", "high", 30.2, 1093.5),
        ("hevc", "standard", 34.2, 1215.5),
        ("hevc", "high", 54.2, 1825.9),
        ("av1", "standard", 24.2, 910.4),
    ],
)
def test_time_follows_codec_and_quality_and_the_limit_never_falls(
    kind: Any, codec: str, quality: str, likely_s: float, limit_s: float
) -> None:
    asked, files = order(kind, codec=codec, quality=quality), stored(10 * MB, 20.0)

    assert kind.price.likely_s(asked, files) == pytest.approx(likely_s, abs=0.05)
    assert kind.price.limit_s(asked, files) == pytest.approx(limit_s, abs=0.05)


@given(st.integers(1, 2**40), st.one_of(st.none(), st.floats(0, 1e12)))
def test_the_estimate_is_never_over_the_limit(
    size_bytes: int, duration_s: float | None
) -> None:
    for kind in (framing.KIND, overlay.KIND):
        files = stored(size_bytes, duration_s)

        likely_s = kind.price.likely_s(order(kind), files)

        assert 0 < likely_s <= kind.price.limit_s(order(kind), files)


@KINDS
def test_the_kind_says_what_it_makes(kind: Any) -> None:
    assert kind.outputs_of(order(kind)) == ("video",)
    assert kind.outputs == {
        "video": "video/mp4",
        "poster": "image/jpeg",
        "sprites": "image/jpeg",
        "sprites_vtt": "text/vtt",
    }
    assert kind.stages == ("prepare", "render", "upload", "persist")
    assert kind.limits["output_pixels"] == 8847360
    assert kind.price.basis.startswith("worker seconds")
