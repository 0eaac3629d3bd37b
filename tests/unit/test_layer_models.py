"""Layers on the wire: what is taken, what each refusal names, what the render gets."""

import pytest

from shared.artifacts import FileRef, references_in
from shared.errors import ValidationFailed
from shared.job_kind import JobKind
from shared.kinds.export.framing import KIND
from shared.layer_models import LayerChoice
from shared.render.layers import Anchor, Box, Picture, Placement

LOGO = {"type": "image", "image": {"asset_id": "logo"}}
TITLE = {"type": "text", "text": "Hello"}


def choice(*layers):
    return LayerChoice.model_validate({"layers": list(layers)})


def refused(*layers, kind: JobKind = KIND):
    raw = {"source": {"asset_id": "a"}, "crop_keyframes": None, "layers": list(layers)}
    with pytest.raises(ValidationFailed) as caught:
        kind.parse_input(raw)
    return [each.field for each in caught.value.errors], caught.value.what


def test_a_logo_in_a_corner_takes_three_fields():
    (layer,) = choice(
        LOGO | {"anchor": "bottom_right", "margin": 0.04, "width": 0.2}
    ).plain_layers()
    assert layer.content == Picture()
    assert layer.placement == Placement(Anchor.BOTTOM_RIGHT, margin=0.04, width=0.2)


def test_a_text_carries_its_colours_as_numbers():
    (layer,) = choice(
        TITLE | {"color": "#102030", "background": {"opacity": 0.5}}
    ).plain_layers()
    assert layer.content.color == (16, 32, 48)
    assert layer.content.box == Box((0, 0, 0), 0.5, 0.25)
    assert layer.content.shadow is None


def test_files_of_layers_are_references_by_their_place_and_family():
    order = choice(TITLE, LOGO, TITLE | {"font_file": {"asset_id": "f"}})
    found = [(each.name, each.ref, each.families) for each in references_in(order)]
    assert found == [
        ("layers.1.image", FileRef(asset_id="logo"), ("image",)),
        ("layers.2.font_file", FileRef(asset_id="f"), ("font",)),
    ]


@pytest.mark.parametrize(
    ("layer", "field"),
    [
        ({"type": "gif"}, "type"),
        ({"text": "Hello"}, "type"),
        ({"type": "image"}, "image"),
        (LOGO | {"width": 0}, "width"),
        (LOGO | {"height": 4.1}, "height"),
        (LOGO | {"x": 5}, "x"),
        (LOGO | {"opacity": 1.1}, "opacity"),
        (LOGO | {"anchor": "middle"}, "anchor"),
        (LOGO | {"fade_in": -1}, "fade_in"),
        (LOGO | {"start_frame": 3, "end_frame": 3}, "end_frame"),
        (LOGO | {"text": "no"}, "text"),
        (TITLE | {"text": ""}, "text"),
        (TITLE | {"text": " \n "}, "text"),
        (TITLE | {"text": "a" * 2001}, "text"),
        (TITLE | {"text": "a\u0007"}, "text"),
        (TITLE | {"font": "comic"}, "font"),
        (TITLE | {"size": 0.001}, "size"),
        (TITLE | {"color": "red"}, "color"),
        (TITLE | {"language": "x' onload"}, "language"),
        (TITLE | {"outline": {"width": 1}}, "outline.width"),
        (TITLE | {"shadow": {"blur": -1}}, "shadow.blur"),
    ],
)
def test_a_refusal_names_the_layer_and_the_field(layer, field):
    fields, _ = refused(LOGO, layer)
    assert fields == [f"input.layers.1.{field}"]


def test_at_most_fifty_layers():
    assert len(choice(*[LOGO] * 50).layers) == 50
    assert refused(*[LOGO] * 51)[0] == ["input.layers"]


def test_texts_together_are_bounded_too():
    long = TITLE | {"text": "a" * 2000}
    assert len(choice(*[long] * 5).layers) == 5
    assert refused(*[long] * 6)[0] == ["input.layers"]


def test_an_empty_range_has_a_code_of_its_own():
    assert refused(LOGO | {"start_frame": 9, "end_frame": 4})[1] == "invalid_range"


def test_an_order_without_layers_is_written_as_before_there_were_any():
    assert LayerChoice().model_dump() == {}
