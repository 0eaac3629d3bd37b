"""How long a video may say it is: what a render costs goes by that, whatever its bytes are."""

from fractions import Fraction

from shared.errors import JobFailed
from shared.render.timebase import ConstantRate

# A day at 60 frames a second, or half of one at 120. No phone films a thousand a second.
MAX_DURATION_S = 24 * 3600
MAX_FRAMES = 12 * 3600 * 120
MAX_RATE = 1000
MAX_PACKETS = 20_000_000  # of one stream: 16 bytes are kept of each


def refuse_too_long(rate: Fraction, clock: ConstantRate) -> None:
    """Raise `JobFailed` for a timeline, its last frame added, that is beyond the limits."""
    if rate > MAX_RATE:
        raise _beyond(f"it has {float(rate):.0f} frames a second, and {MAX_RATE} are the most")
    if clock.duration > MAX_DURATION_S:
        hours = float(clock.duration / 3600)
        raise _beyond(f"it lasts {hours:.1f} hours, and {MAX_DURATION_S // 3600} are the most")
    if clock.count > MAX_FRAMES:
        raise _beyond(f"it has {clock.count} frames, and {MAX_FRAMES} are the most")


def refuse_too_many_packets(count: int) -> None:
    """Raise `JobFailed` for more packets of one stream than are kept in mind."""
    if count > MAX_PACKETS:
        raise _beyond(f"it is in more than {MAX_PACKETS} pieces")


def _beyond(what: str) -> JobFailed:
    return JobFailed(
        "input_unreadable",
        f"The video says that {what}. Cut it, or export it again, and upload that.",
    )
