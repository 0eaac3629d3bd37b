"""UUIDv7 (RFC 9562, 5.7): ids that sort by the time they were made."""

from datetime import datetime
from uuid import UUID

RANDOM_BYTES = 10


def uuid7(now: datetime, random: bytes) -> str:
    """Return the text form for an aware instant, to the microsecond, and 10 random bytes.

    The 12 bits after the milliseconds hold the fraction of the millisecond (RFC 9562, 6.2,
    method 3), so that ids of one process sort as its clock runs.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"{RANDOM_BYTES} random bytes are needed")
    micros = round(now.timestamp() * 1_000_000)
    millis, rest = divmod(micros, 1000)
    value = millis << 80
    value |= 0x7 << 76
    value |= (rest * 4096 // 1000) << 64
    value |= 0b10 << 62
    value |= int.from_bytes(random) & (2**62 - 1)
    return str(UUID(int=value))
