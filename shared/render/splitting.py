"""One export in several pieces: where it is cut, and into how many it pays to cut it.

A piece is coded by an encoder of its own, so it begins with a sync sample and refers to
nothing outside: pieces follow each other in the finished file as they are.
"""

from itertools import pairwise
from math import sqrt

from shared.render.cropping import Size
from shared.render.delivery import Codec

# How many cores one encoder with its decoder and painters keeps busy, at 1080p. libx264
# waits for rows of the frame before, so that its threads past this wait for each other.
# x265's wavefronts and SVT-AV1's segments and tiles reach further.
_USEFUL_CORES = {Codec.H264: 6, Codec.HEVC: 8, Codec.AV1: 8}
_USEFUL_AT_PX = 1920 * 1080
_SPARE_CORES = 2
# A piece costs what one piece would not: frames decoded from the sync sample before its
# first, an encoder's look-ahead that fills and empties, its packets copied once more.
_LEAST_FRAMES = 240
# Frames of its size that a piece holds at once: decoder, queue, painters, look-ahead and the
# encoder's threads; and what it takes whatever the size, thread stacks for the most part.
_FRAMES_HELD = 250
_BYTES_PER_PX = 1.5
_BYTES_ALWAYS = 512 * 1024 * 1024


def split(frames: range, parts: int, *, least: int = 1) -> tuple[range, ...]:
    """Cut a range of frames into pieces that follow each other without gap or overlap.

    At most `parts` of them, as even as they can be, the longer ones first, and none shorter
    than `least` unless it is the only one. Raises `ValueError` where there is nothing to cut.
    """
    if not frames or frames.step != 1 or parts < 1 or least < 1:
        raise ValueError(f"cannot cut {frames} into {parts} of at least {least}")
    count = min(parts, max(1, len(frames) // least))
    length, longer = divmod(len(frames), count)
    starts = [frames.start + n * length + min(n, longer) for n in range(count + 1)]
    return tuple(range(*pair) for pair in pairwise(starts))


def parts_for(
    cores: int, frames: int, source: Size, output: Size, memory_bytes: int | None, codec: Codec
) -> int:
    """How many pieces finish soonest on a machine of so many cores; 1 where cutting is no use.

    One pipeline keeps as many cores busy as its encoder has use for. Two on the same cores
    only pass them to and fro: on 2 cores they took 1.2 times as long as one. So another
    pipeline is begun where cores are left over: with 2 to spare past what one has use for,
    then as many as there are times that number, each with an even share of the cores.

    `memory_bytes` is what all may take together, None without bound; `source` and `output`
    are sizes of frames.
    """
    useful = _useful_cores(output, codec)
    if cores - _SPARE_CORES < useful:
        return 1
    by_cores = min(cores // 2, max(2, round(cores / useful)))
    by_length = max(1, frames // _LEAST_FRAMES)
    return min(by_cores, by_length, _held_by(memory_bytes, source, output))


def _useful_cores(output: Size, codec: Codec) -> int:
    # A frame's rows are what threads share: at half the height half as many have work.
    rows = sqrt(output.width_px * output.height_px / _USEFUL_AT_PX)
    return max(2, round(_USEFUL_CORES[codec] * min(1.5, rows)))


def _held_by(memory_bytes: int | None, source: Size, output: Size) -> int:
    if memory_bytes is None:
        return 1_000_000
    largest_px = max(each.width_px * each.height_px for each in (source, output))
    each_bytes = _BYTES_ALWAYS + _FRAMES_HELD * largest_px * _BYTES_PER_PX
    return max(1, int(memory_bytes / each_bytes))
