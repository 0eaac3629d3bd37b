"""Time as integers and fractions: the nominal rate, constant-rate frames, trims.

A float second is for display; what decides a frame is exact. The rules are those ffmpeg's
`fps` filter follows by default, counted from the first video frame.
"""

from fractions import Fraction
from math import ceil, floor

COMMON_RATES = (
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(48),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
    Fraction(120),
)
_STEADY = Fraction(5, 1000)  # the average this near the base rate: the rate is constant
_SNAP = Fraction(1, 100)
_SLACK = Fraction(1, 1_000_000)  # of a frame: a float second lies this near the one meant
_HALF = Fraction(1, 2)


def nominal_rate(base_rate: Fraction | None, average_rate: Fraction | None) -> Fraction:
    """The rate the whole timeline is counted in, in frames a second.

    `base_rate` is the container's `r_frame_rate`, `average_rate` frames over duration; one
    may be unknown (None or not positive). The base rate if the average is within 0.5 % of
    it; otherwise the rate varies, and it is the average, snapped to a common rate within
    1 %. Raises `ValueError` if both are unknown.
    """
    base = base_rate if base_rate is not None and base_rate > 0 else None
    average = average_rate if average_rate is not None and average_rate > 0 else None
    if average is None:
        if base is None:
            raise ValueError("neither a base rate nor an average rate is known")
        return base
    if base is not None and abs(average - base) <= base * _STEADY:
        return base
    nearest = min(COMMON_RATES, key=lambda rate: abs(average - rate) / rate)
    return nearest if abs(average - nearest) <= nearest * _SNAP else average


def frame_count(duration: Fraction, rate: Fraction) -> int:
    """How many frames the constant-rate video has: `duration`·`rate` rounded, at least 1.

    `duration` in seconds, from the first frame's time to the end of the last.
    """
    return max(1, floor(duration * rate + _HALF))


def first_frame_from(time_s: float, rate: Fraction) -> int:
    """The first frame at or after an instant: ceil(time·rate − 1e-6)."""
    return max(0, ceil(Fraction(time_s) * rate - _SLACK))


def frame_shown_at(time_s: float, rate: Fraction) -> int:
    """The frame on show at an instant: floor(time·rate + 1e-6)."""
    return max(0, floor(Fraction(time_s) * rate + _SLACK))


def frames_in_range(
    start_s: float | None, end_s: float | None, rate: Fraction, count: int
) -> range:
    """The frames of `[start_s, end_s)` of a video of `count` frames; may be empty.

    None is the beginning and the end of the video.
    """
    first = 0 if start_s is None else first_frame_from(start_s, rate)
    stop = count if end_s is None else min(count, first_frame_from(end_s, rate))
    return range(first, max(first, stop))


class ConstantRate:
    """Which output frames each decoded frame is shown at, with frames fed one by one.

    Output frame n shows the last decoded frame whose time, rounded to the nearest 1/rate
    (halves up), is at or before n/rate. A frame's span is known once the next one is here:

        clock = ConstantRate(rate, timebase)
        for frame in decoded:
            for n in clock.add(frame.pts, frame.duration):
                show(held, n)       # not reached for the first frame: the range is empty
            held = frame
        for n in clock.end():
            show(held, n)

    The ranges follow each other without gap from 0 to `count`. A frame whose range is empty
    is dropped. A frame timed before its predecessor takes its place, as in ffmpeg.
    """

    __slots__ = ("_from", "_latest", "_origin", "_rate", "_step", "_timebase")

    def __init__(self, rate: Fraction, timebase: Fraction) -> None:
        """`rate` in frames a second, `timebase` in seconds a tick."""
        if rate <= 0 or timebase <= 0:
            raise ValueError("a rate and a timebase are positive")
        self._rate, self._timebase = rate, timebase
        self._step = rate * timebase  # output frames a tick
        self._origin: int | None = None
        self._from = 0  # the held frame's first output frame
        self._latest = (0, Fraction(0))  # the latest frame's time in ticks, and its end in s

    def add(self, pts: int, duration: int | None = None) -> range:
        """Take the next decoded frame; return the output frames of the one before it.

        `pts` and `duration` in ticks of the timebase; a duration of None or 0 is unknown and
        counts as 1/rate.
        """
        first = self._origin is None
        if self._origin is None:
            self._origin = pts
        ticks = pts - self._origin
        if first or ticks >= self._latest[0]:
            self._latest = (ticks, self._end_of(ticks, duration))
        span = range(self._from, max(self._from, self._slot(ticks)))
        self._from = span.stop
        return span

    def end(self) -> range:
        """Return the output frames of the last frame. Raises `ValueError` without any."""
        if self._origin is None:
            raise ValueError("no frame was added")
        return range(self._from, self.count)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame's time to the end of the latest one so far."""
        return self._latest[1]

    @property
    def count(self) -> int:
        """How many output frames there are, were the latest frame the last."""
        return max(self._from, frame_count(self.duration, self._rate))

    def _end_of(self, ticks: int, duration: int | None) -> Fraction:
        lasts = self._timebase * duration if duration and duration > 0 else 1 / self._rate
        return self._timebase * ticks + lasts

    def _slot(self, ticks: int) -> int:
        # floor(x + 1/2) in integers: Fractions here would cost more than the frame's demux.
        top, bottom = self._step.numerator, self._step.denominator
        return (2 * ticks * top + bottom) // (2 * bottom)
