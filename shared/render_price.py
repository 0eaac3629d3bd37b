"""How long an export may take, and how long it likely takes.

The limit is a promise about money: nobody is reserved less than an attempt may cost, so it
is made from what the gateway has measured itself, the stored size, and from the output asked
for. A length the caller states changes the estimate alone.
"""

from collections.abc import Mapping
from typing import Final

from shared.job_kind import PriceRule, StoredFile
from shared.render.delivery import Codec, Quality
from shared.render_models import ExportInput

DEADLINE_S = 3600

# A portrait 1080p output, the default, is the unit of work.
_UNIT_PX = 1080 * 1920

# What a render costs beside one to H.264 in standard quality, encoding and all else together.
# CPU seconds of the encoders with the settings of `docs/deliveries.md`, on filmed traffic at
# 768 × 432 and on a drifting textured scene at 1080 × 1920; the means of the two, with a
# quarter of a standard render for decoding and painting, which cost the same for all.
_COST: Final = {
    (Codec.H264, Quality.DRAFT): 0.5,
    (Codec.H264, Quality.STANDARD): 1.0,
    (Codec.H264, Quality.HIGH): 2.6,
    (Codec.HEVC, Quality.DRAFT): 1.7,
    (Codec.HEVC, Quality.STANDARD): 3.0,
    (Codec.HEVC, Quality.HIGH): 5.0,
    (Codec.AV1, Quality.DRAFT): 1.3,
    (Codec.AV1, Quality.STANDARD): 2.0,
    (Codec.AV1, Quality.HIGH): 4.5,
}

# And each layer, were it as large as the output: 1.9 ms a frame of 1080 × 1920 where a standard
# render takes 33 ms. Most are smaller, and how large they are only the worker knows.
_LAYER_COST: Final = 0.06

# Footage rarely has fewer than 64 KiB a second. A second for each 32 KiB leaves a worker
# twice the footage's length at that, and eight times at 2 Mbit/s; two cores need about once
# the length for 1080p at 30 frames a second. The floor covers fetching, starting and a short
# clip that compresses unusually well; the cap leaves the job time to be queued and published
# before it expires.
_LIMIT_FLOOR_S = 300.0
_LIMIT_BYTES_PER_S = 32 * 1024
_LIMIT_CAP_S = 3300.0

_LIKELY_START_S = 4.0
_LIKELY_RENDER_S_PER_S = 0.5  # 1080p at 30 frames a second on a worker's cores
_LIKELY_TRANSFER_BYTES_PER_S = 50e6
_LIKELY_INPUT_BYTES_PER_S = 1e6  # 8 Mbit/s, where nobody said how long it is


def _output_units(order: ExportInput) -> float:
    return order.output_width * order.output_height / _UNIT_PX


def _cost(order: ExportInput) -> float:
    return _COST[order.codec, order.quality] + _LAYER_COST * len(order.layers)


def limit_s(order: ExportInput, files: Mapping[str, StoredFile]) -> float:
    """The longest an attempt may run, in seconds: 300 and up, 3300 at most."""
    by_size_s = files["source"].size_bytes / _LIMIT_BYTES_PER_S
    times = max(1.0, _output_units(order)) * max(1.0, _cost(order))
    return min(_LIMIT_FLOOR_S + by_size_s * times, _LIMIT_CAP_S)


def likely_s(
    order: ExportInput,
    files: Mapping[str, StoredFile],
    *,
    start_s: float | None = None,
    end_s: float | None = None,
) -> float:
    """The estimate shown beforehand, in seconds; at most the limit. Times are a trim's."""
    source = files["source"]
    length_s = source.duration_s or source.size_bytes / _LIKELY_INPUT_BYTES_PER_S
    stop_s = length_s if end_s is None else min(end_s, length_s)
    kept_s = max(0.0, stop_s - (start_s or 0.0))
    by_length_s = kept_s * _LIKELY_RENDER_S_PER_S
    render_s = by_length_s * max(0.25, _output_units(order)) * _cost(order)
    fetch_s = source.size_bytes / _LIKELY_TRANSFER_BYTES_PER_S
    return min(_LIKELY_START_S + fetch_s + render_s, limit_s(order, files))


EXPORT_PRICE = PriceRule(
    limit_s=limit_s,
    likely_s=likely_s,
    basis=(
        "worker seconds: the length of the kept video at half its time for a 1080 × 1920 "
        "output, in proportion to the output's pixels, and up to five times that for other "
        "codecs and qualities than H.264 in standard, and 6 % for each layer; the limit is "
        "300 s and one second for each 32 KiB of the stored file, at most 3300 s"
    ),
)
