"""Keys are built of ids and fixed words, and of nothing a caller wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.object_keys import attempt_key, extension, is_tenant, upload_key
from gateway.core.surfaces import Surface
from shared.artifacts import ACCEPTED_TYPES


def key_of(*at):
    """Where the output of an overlay asked for on `/v1` goes."""
    return attempt_key(Surface.V1, "export.overlay", *at)


HOSTILE = ["", ".", "..", "../../x", "a/b", "%2e%2e%2f", "a\0b", "a b", "é", "x" * 65, "a\n"]


def test_keys_are_where_the_layouts_say():
    assert upload_key("acme", "u1", "video/quicktime") == "acme/uploads/u1.mov"
    assert key_of("j1", 2, "video", "video/mp4") == "output/j1/2/video.mp4"
    manifest = key_of("j1", 1, "manifest", "application/json")
    assert manifest == "output/j1/1/manifest.json"


@pytest.mark.parametrize("kind", ["overlay", "framing"])
def test_s4_an_exports_video_is_called_by_its_type_and_its_manifest_as_everywhere(kind):
    at = (Surface.EXPORTS, f"export.{kind}", "j1", 2)
    assert attempt_key(*at, "video", "video/mp4") == f"output/j1/2/{kind}.mp4"
    assert attempt_key(*at, "poster", "image/jpeg") == "output/j1/2/poster.jpg"
    assert attempt_key(*at, "manifest", "application/json") == "output/j1/2/manifest.json"


@pytest.mark.parametrize("text", HOSTILE)
def test_d52_a_text_that_is_no_id_comes_into_no_key(text):
    with pytest.raises(ValueError, match="no "):
        upload_key(text, "u1", "video/mp4")
    with pytest.raises(ValueError, match="no id"):
        upload_key("acme", text, "video/mp4")
    with pytest.raises(ValueError, match="no id"):
        key_of(text, 1, "video", "video/mp4")
    with pytest.raises(ValueError, match="no output"):
        key_of("j1", 1, text, "video/mp4")


@pytest.mark.parametrize("fence", [0, -1])
def test_there_is_no_attempt_before_the_first(fence):
    with pytest.raises(ValueError, match="no output"):
        key_of("j1", fence, "video", "video/mp4")


@given(st.text(max_size=70))
def test_a_tenants_name_is_one_segment_that_no_layout_claims(name):
    key = f"{name}/uploads/u1.mp4"
    assert not is_tenant(name) or (
        upload_key(name, "u1", "video/mp4") == key and key.count("/") == 2 and key.isascii()
    )


@pytest.mark.parametrize("name", ["input", "output", "project_x", "project_"])
def test_the_first_segments_of_other_layouts_are_no_tenants(name):
    assert not is_tenant(name)


def test_every_accepted_type_has_an_extension_of_its_own():
    extensions = {extension(content_type) for content_type in ACCEPTED_TYPES}
    assert len(extensions) == len(ACCEPTED_TYPES)
    assert "bin" not in extensions


def test_an_unknown_type_brings_nothing_of_itself_into_the_key():
    assert key_of("j1", 1, "data", "x/../../y") == "output/j1/1/data.bin"
