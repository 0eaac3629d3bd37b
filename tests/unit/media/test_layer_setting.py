"""Texts in lines: directions, shapes, fonts and breaks, in the scripts people write."""

from pathlib import Path

import pytest

from gpu_worker.media.layers.bidi import directions, visual_runs
from gpu_worker.media.layers.fonts import FontShelf
from gpu_worker.media.layers.setting import set_text
from shared.render.layers import Align, Text, Weight

DISPLAYS = [
    line.split("\t")
    for line in (Path(__file__).parent / "bidi_displays.txt").read_text().splitlines()[1:]
]
INVISIBLE = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u202d\u202e"))
WIDE = 100_000.0


@pytest.fixture(scope="module")
def shelf():
    return FontShelf()


@pytest.fixture
def block(shelf):
    def made(text, width_px=WIDE, **fields):
        return set_text(
            Text(text, **{"font": "noto-sans"} | fields), 100, width_px, shelf, None
        )

    return made


def numbers(block):
    (line,) = block.lines
    return [each.number for each in line.glyphs]


def families(block):
    (line,) = block.lines
    return [each.typeface.name for each in line.glyphs]


@pytest.mark.parametrize(("text", "display"), DISPLAYS, ids=range(len(DISPLAYS)))
def test_mixed_directions_are_displayed_as_unicode_says(text, display):
    text, display = (each.encode().decode("unicode_escape") for each in (text, display))
    found = directions(text)
    # The line ends in what keeps the paragraph's direction, as rule L1 wants it.
    ended = len(text.rstrip(" \u2066\u2067\u2068\u2069\u202a\u202b\u202c"))
    levels = [*found.levels[:ended], *[found.paragraph] * (len(text) - ended)]
    runs = visual_runs(levels)
    shown = "".join(text[a:b][::-1] if level % 2 else text[a:b] for a, b, level in runs)
    assert shown.translate(INVISIBLE) == display.translate(INVISIBLE)


def test_arabic_letters_join(block):
    apart = {number for letter in "سلم" for number in numbers(block(letter))}
    assert not apart & set(numbers(block("سلم")))


def test_hebrew_runs_from_right_to_left(block):
    alef, bet = numbers(block("א")), numbers(block("ב"))
    assert numbers(block("אב")) == bet + alef


def test_a_hebrew_line_with_latin_and_digits_is_ordered_as_it_is_read(block):
    alef, space = numbers(block("א")), numbers(block("a b"))[1:2]
    latin = numbers(block("ab 12"))
    assert numbers(block("א ab 12")) == latin + space + alef
    assert numbers(block("א 12 ב")) == [
        *numbers(block("ב")), *space, *numbers(block("12")), *space, *alef,
    ]  # fmt: skip


def test_brackets_are_mirrored_where_the_text_runs_leftwards(block):
    opening, closing = numbers(block("("))[0], numbers(block(")"))[0]
    found = numbers(block("(א)"))
    assert [found[0], found[-1]] == [opening, closing]


def test_a_devanagari_vowel_stands_before_the_letter_it_follows(block):
    ka = numbers(block("क"))
    assert numbers(block("कि"))[-1:] == ka
    assert len(numbers(block("क्ष"))) == 1


def test_thai_vowels_and_tones_stand_over_their_letter(block):
    assert block("ที่").width == block("ท").width
    assert len(numbers(block("ที่"))) == 3


def test_a_combining_mark_is_composed_or_stands_on_its_letter(block):
    assert numbers(block("e\u0301")) == numbers(block("é"))
    assert block("x\u0301").width == block("x").width


def test_what_a_font_lacks_comes_from_the_next(block):
    assert families(block("aя日")) == ["noto-sans", "noto-sans", "noto-sans-sc"]
    assert families(block("☂")) == ["noto-sans-symbols-2"]
    assert families(block("😀")) == ["noto-emoji"]
    assert families(block("한")) == ["noto-sans-kr"]
    assert families(block("ছ")) == ["noto-sans-bengali"]


def test_a_sequence_of_emoji_is_one_picture(block):
    assert len(numbers(block("👩\u200d🚀"))) == 1


def test_a_family_draws_what_it_has_and_leaves_the_rest_to_others(block):
    assert families(block("aא", font="noto-serif")) == ["noto-serif", "noto-sans-hebrew"]


@pytest.mark.parametrize(
    ("fields", "family"),
    [
        ({"text": "骨", "language": "ja"}, "noto-sans-jp"),
        ({"text": "骨", "language": "zh-Hans"}, "noto-sans-sc"),
        ({"text": "骨"}, "noto-sans-sc"),
        ({"text": "骨は"}, "noto-sans-jp"),
    ],
)
def test_a_character_chinese_and_japanese_share_is_drawn_in_the_text_s_language(
    block, fields, family
):
    assert families(block(**fields))[0] == family


def test_a_character_no_font_has_is_told_of_and_stands_as_a_box(block):
    made = block("a\U00012000b")
    assert made.missing == ("\U00012000",)
    assert numbers(made)[1] == 0


def test_words_go_to_the_next_line_where_they_no_longer_fit(block):
    width = block("one two").width
    found = [line.width for line in block("one two three", width).lines]
    assert found == pytest.approx([width, block("three").width])


def test_no_line_is_wider_than_asked_and_spaces_at_its_end_take_no_room(block):
    text = "The quick brown fox   jumps over the lazy dog, " * 4
    made = block(text, 700.0)
    assert len(made.lines) > 4
    assert max(line.width for line in made.lines) <= 700


def test_chinese_and_japanese_break_between_letters_but_not_before_a_full_stop(block):
    made = block("日本語。", block("日本語").width)
    assert [len(line.glyphs) for line in made.lines] == [2, 2]


def test_a_word_too_long_for_a_line_is_broken(block):
    made = block("aaaaaaaaaa", block("aaaa").width + 1)
    assert [len(line.glyphs) for line in made.lines] == [4, 4, 2]


def test_line_feeds_break_lines_and_empty_ones_stay(block):
    assert [len(line.glyphs) for line in block("a\n\nbc").lines] == [1, 0, 2]


def test_lines_stand_one_below_another_at_their_spacing(block):
    single, spaced = block("a\nb"), block("a\nb", line_spacing=1.5)
    step = [each.placed()[1].y - each.placed()[0].y for each in (single, spaced)]
    assert step == pytest.approx([single.line_height, 1.5 * single.line_height])
    assert spaced.height == pytest.approx(2.5 * single.line_height)


@pytest.mark.parametrize(
    ("align", "text", "part"),
    [
        (Align.START, "a", 0.0),
        (Align.START, "א", 1.0),
        (Align.END, "a", 1.0),
        (Align.END, "א", 0.0),
        (Align.CENTER, "א", 0.5),
        (Align.LEFT, "א", 0.0),
        (Align.RIGHT, "a", 1.0),
    ],
)
def test_a_line_stands_on_the_side_its_direction_begins(block, align, text, part):
    made = block(f"mmmmm\n{text}", align=align)
    room = made.width - made.lines[1].width
    assert made.placed()[-1].x == pytest.approx(room * part, abs=0.1)


def test_bold_is_the_font_s_own_or_the_outline_thickened(block):
    latin = block("a", weight=Weight.BOLD).lines[0].glyphs[0].typeface
    chinese = block("日", weight=Weight.BOLD).lines[0].glyphs[0].typeface
    assert (latin.thicker, chinese.thicker) == (False, True)
