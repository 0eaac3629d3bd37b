"""What the demo asks for is accepted, and what it checks can fail."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from cli.demo import sample
from cli.demo_checks import Found, Wanted, failures, frames_between, probe
from cli.demo_orders import framing_order, overlay_order
from shared.kinds.export import framing, overlay
from shared.render.cropping import Size

SOURCE = {"source": {"asset_id": "a1"}}
PICTURE = Size(768, 432)
WANTED = Wanted(25, 1080, 1920, has_audio=True)
GOOD = Found(25, 1080, 1920, "h264", "aac", Fraction(1, 25), Fraction(1), Fraction(1))


def test_a_file_as_asked_for_passes():
    assert list(failures(GOOD, WANTED)) == []


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"frames": 24}, "24 frames, not 25"),
        ({"width_px": 1078}, "1078 × 1920, not 1080 × 1920"),
        ({"video_codec": "hevc"}, "video is hevc, not h264"),
        ({"audio_codec": None, "audio_end": None}, "audio is None"),
        ({"audio_end": Fraction(105, 100)}, "audio ends 0.050 s from the video"),
    ],
)
def test_each_thing_that_is_not_as_asked_for_fails(changed, why):
    assert list(failures(replace(GOOD, **changed), WANTED)) == [why]


def test_sound_within_one_frame_of_the_picture_passes():
    assert list(failures(replace(GOOD, audio_end=Fraction(104, 100)), WANTED)) == []


def test_a_silent_export_of_a_silent_clip_passes():
    silent = replace(GOOD, audio_codec=None, audio_end=None)
    assert list(failures(silent, replace(WANTED, has_audio=False))) == []


def test_the_sample_is_counted_by_what_it_shows():
    assert frames_between(sample(), 0, 100) == 377
    assert frames_between(sample(), 4, 20) == 200
    assert frames_between(sample(), 4.001, 4.079) == 0


def test_the_sample_probes_as_what_it_is():
    found = probe(sample())
    assert (found.frames, found.width_px, found.height_px) == (377, 768, 432)
    assert (found.video_codec, found.audio_codec) == ("h264", "aac")
    assert (found.frame_s, found.video_end) == (Fraction(2, 25), Fraction(754, 25))


def test_both_orders_are_accepted_by_their_kinds():
    frame = framing.KIND.parse_input(SOURCE | framing_order(4, 20))
    light = overlay.KIND.parse_input(SOURCE | overlay_order())
    assert frame.crop_keyframes is not None
    assert all(each.plain().touches(PICTURE) for each in light.highlight_regions)


def test_a_clip_that_is_not_there_is_a_plain_error(cutroom, folder: Path):
    said = cutroom("demo", "--sample", "nothing.mp4")
    assert said.exit_code == 2
    assert "nothing.mp4" in said.stderr
