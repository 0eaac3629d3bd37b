"""Rates, stamps and where things begin."""

from fractions import Fraction
from math import floor

from tests.media.corpus.entry import Entry
from tests.media.corpus.recipes import Recipe
from tests.media.corpus.steps import apart, remuxed

VFR = "-fps_mode passthrough -enc_time_base 1:90000"


def slots(times_s: list[Fraction], rate: Fraction, count: int) -> tuple[int, ...]:
    """The frame shown at each n/rate: the last whose rounded time is at or before it."""
    places = [floor((time - times_s[0]) * rate + Fraction(1, 2)) for time in times_s]
    return tuple(max(k for k, place in enumerate(places) if place <= n) for n in range(count))


# Frames that last between 22 and 46 ms, 33.3 on average: a phone in changing light.
_UNEVEN = [
    Fraction(n, 30) + Fraction(1, 75) * (n * 7 % 3 - 1) * (0 < n < 23) for n in range(24)
]
_UNEVEN_FILTER = "setpts='(N/30+(mod(N*7,3)-1)/75*between(N,1,22))/TB'"
_IN_MS = [Fraction(round(time * 1000), 1000) for time in _UNEVEN]

RATES = (
    Entry(name="rate-30000-1001", recipe=Recipe(rate=Fraction(30000, 1001))),
    Entry(
        name="rate-24000-1001-in-milliseconds",
        recipe=Recipe(ending="mkv", rate=Fraction(24000, 1001)),
    ),
    Entry(name="rate-240", recipe=Recipe(rate=Fraction(240), frames=48, sound_s=0.3)),
    Entry(
        name="rate-12.5-in-an-odd-timescale",
        recipe=Recipe(rate=Fraction(25, 2), file="-video_track_timescale 12347"),
    ),
    Entry(name="one-frame", recipe=Recipe(frames=1, sound=None), shown=(0,)),
    Entry(
        name="variable-rate-mp4",
        recipe=Recipe(
            filters=f"settb=1/90000,{_UNEVEN_FILTER}",
            file=f"{VFR} -video_track_timescale 90000",
        ),
        rate=Fraction(30),
        shown=slots(_UNEVEN, Fraction(30), 24),
    ),
    Entry(
        name="variable-rate-mkv",
        recipe=Recipe(ending="mkv", filters=f"settb=1/90000,{_UNEVEN_FILTER}", file=VFR),
        rate=Fraction(30),
        shown=slots(_IN_MS, Fraction(30), 24),
    ),
)
BEGINNINGS = (
    Entry(
        # The edit list leaves out the first eight frames, which the decoder still needs.
        name="edit-list-trims-the-start",
        recipe=Recipe(
            frames=30,
            video="-c:v libx264 -preset veryfast -crf 6 -bf 2 -g 30",
            steps=(remuxed(before="-ss 0.266"),),
        ),
        shown=tuple(range(8, 30)),
        beep_s=4 / 30,
    ),
    Entry(
        name="empty-edit-delays-the-picture", recipe=Recipe(steps=(apart(0.2, 0),)), beep_s=0.2
    ),
    Entry(
        name="empty-edit-delays-the-sound", recipe=Recipe(steps=(apart(0, 0.2),)), beep_s=0.6
    ),
    Entry(
        name="mkv-picture-later-than-the-sound",
        recipe=Recipe(ending="mkv", sound="-c:a flac", steps=(apart(0.2, 0),)),
        beep_s=0.2,
    ),
    Entry(
        name="mkv-begins-at-100-s",
        recipe=Recipe(ending="mkv", steps=(remuxed("-output_ts_offset 100"),)),
    ),
    Entry(
        name="mov-negative-composition-offsets",
        recipe=Recipe(
            ending="mov",
            video="-c:v libx264 -preset veryfast -crf 6 -bf 3",
            file="-movflags negative_cts_offsets",
        ),
    ),
    Entry(
        name="two-frames-at-one-time",
        recipe=Recipe(
            ending="mkv",
            file="-bsf:v 'setts=ts=if(eq(N\\,20)\\,PREV_OUTPTS\\,TS)'",
        ),
        shown=(*range(19), 20, 20, *range(21, 24)),
    ),
)
JUMPS = (
    Entry(
        name="timestamps-jump-ten-hours",
        recipe=Recipe(
            ending="mkv",
            steps=(remuxed("-bsf:v setts=ts=TS+if(gte(N\\,12)\\,36000/TB\\,0)"),),
            sound=None,
        ),
        refused="clock",
    ),
    Entry(
        name="avi-of-an-hour-with-a-second-of-frames",
        recipe=Recipe(
            ending="avi",
            video="-c:v mpeg4 -qscale:v 2",
            sound=None,
            steps=(remuxed("-bsf:v setts=ts=TS+59000*gte(N\\,8)+59000*gte(N\\,16)"),),
        ),
        refused="clock",
    ),
)
SOUND = (
    Entry(name="no-sound", recipe=Recipe(sound=None)),
    Entry(name="sound-begins-later", recipe=Recipe(sound_late_s=0.25)),
    Entry(name="mkv-sound-begins-later", recipe=Recipe(ending="mkv", sound_late_s=0.25)),
    Entry(name="sound-longer", recipe=Recipe(sound_s=1.6)),
    Entry(name="sound-shorter", recipe=Recipe(sound_s=0.55)),
    Entry(name="mono-22050", recipe=Recipe(sound="-c:a aac -ar 22050")),
    Entry(name="mp4-mp3-44100", recipe=Recipe(sound="-c:a libmp3lame -ar 44100")),
    Entry(name="mp4-opus", recipe=Recipe(sound="-c:a libopus")),
    Entry(name="mkv-opus-5.1", recipe=Recipe(ending="mkv", sound="-c:a libopus -ac 6")),
    Entry(name="mp4-aac-5.1", recipe=Recipe(sound="-c:a aac -ac 6")),
    Entry(name="mp4-flac", recipe=Recipe(sound="-c:a flac")),
    Entry(name="mkv-dts", recipe=Recipe(ending="mkv", sound="-c:a dca -strict -2 -ac 2")),
    Entry(name="mov-pcm-32-bits-float", recipe=Recipe(ending="mov", sound="-c:a pcm_f32be")),
)
