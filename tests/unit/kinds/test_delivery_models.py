"""What may be asked of an export's file, and that asking for nothing is what it always was."""

from typing import Any

import pytest

from shared.delivery_models import asked_outputs
from shared.errors import ValidationFailed
from shared.kinds.export import framing, overlay
from shared.kinds.export.framing import FramingLook
from shared.kinds.export.overlay import OverlayLook
from shared.render.delivery import Codec, Delivery, Poster, Quality

KINDS = pytest.mark.parametrize("kind", [framing.KIND, overlay.KIND], ids=lambda k: k.name)
CHOICES = {"codec", "quality", "poster", "sprites", "loudness"}


def parsed(kind: Any, **fields: Any) -> Any:
    return kind.parse_input({"source": {"asset_id": "a"}, "crop_keyframes": None, **fields})


@KINDS
def test_an_order_that_chooses_nothing_is_written_as_before_there_was_a_choice(
    kind: Any,
) -> None:
    plain = parsed(kind)
    spelled_out = parsed(
        kind, codec="h264", quality="standard", poster=False, sprites=False, loudness=None
    )

    assert plain.delivery == Delivery()
    assert plain.model_dump(mode="json") == spelled_out.model_dump(mode="json")
    assert not CHOICES & set(plain.model_dump(mode="json"))


@KINDS
@pytest.mark.parametrize(
    ("fields", "delivery", "outputs"),
    [
        ({"codec": "hevc", "quality": "high"}, Delivery(Codec.HEVC, Quality.HIGH), set()),
        ({"poster": True}, Delivery(poster=Poster()), {"poster"}),
        ({"poster": {"time": 1.5}}, Delivery(poster=Poster(1.5)), {"poster"}),
        ({"poster": {"time": 0}}, Delivery(poster=Poster(0)), {"poster"}),
        ({"sprites": True}, Delivery(sprites=True), {"sprites", "sprites_vtt"}),
        ({"loudness": {}}, Delivery(loudness_lufs=-14), set()),
        ({"loudness": {"target_lufs": -23}}, Delivery(loudness_lufs=-23), set()),
    ],
)
def test_what_is_chosen_survives_being_written_down(
    kind: Any, fields: dict[str, Any], delivery: Delivery, outputs: set[str]
) -> None:
    taken = parsed(kind, **fields)
    again = kind.parse_input(taken.model_dump(mode="json"))

    assert taken.delivery == again.delivery == delivery
    assert asked_outputs(taken) == outputs
    assert set(kind.outputs_of(taken)) == {"video", *outputs}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"codec": "vp9"}, "input.codec"),
        ({"codec": "av1", "output_width": 62}, "input.codec"),
        ({"codec": "av1", "output_height": 16}, "input.codec"),
        ({"quality": 1}, "input.quality"),
        ({"poster": 1}, "input.poster"),
        ({"poster": None}, "input.poster"),
        ({"poster": {}}, "input.poster.time"),
        ({"poster": {"time": -0.1}}, "input.poster.time"),
        ({"poster": {"time": "1"}}, "input.poster.time"),
        ({"sprites": "true"}, "input.sprites"),
        ({"loudness": -14}, "input.loudness"),
        ({"loudness": {"target_lufs": -4.9}}, "input.loudness.target_lufs"),
        ({"loudness": {"target_lufs": -36.1}}, "input.loudness.target_lufs"),
        ({"loudness": {"true_peak": -1}}, "input.loudness.true_peak"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        parsed(framing.KIND, **fields)

    assert [error.field for error in caught.value.errors] == [field]


@pytest.mark.parametrize("look", [FramingLook, OverlayLook])
def test_a_look_chooses_no_delivery(look: Any) -> None:
    assert not CHOICES & set(look.model_fields)
