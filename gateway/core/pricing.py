"""What an attempt may cost, likely costs, and did cost: millionths of a dollar, as integers."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from math import ceil

MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """What an endpoint bills: from a worker's start to its stop, in whole seconds."""

    usd_per_s: Decimal
    cold_start_s: float
    idle_s: float

    @property
    def micro_usd_per_s(self) -> float:
        """The rate in millionths of a dollar."""
        return float(self.usd_per_s * MICRO)


def reserve_micro_usd(rate: Rate, limit_s: float) -> int:
    """The worst case of one attempt: cold start, its whole time limit, idling to a stop."""
    return _bill(rate, rate.cold_start_s + limit_s + rate.idle_s)


def estimate_micro_usd(rate: Rate, likely_s: float) -> int:
    """What one attempt likely costs, a cold start included."""
    return _bill(rate, rate.cold_start_s + likely_s)


def settled_micro_usd(
    rate_micro_usd_per_s: float, claimed_at: datetime, ended_at: datetime
) -> int:
    """What an attempt used: its time from claim to end, in whole seconds, times the rate."""
    held_s = max(0.0, (ended_at - claimed_at).total_seconds())
    return ceil(rate_micro_usd_per_s * ceil(held_s))


def usd(micro_usd: int) -> str:
    """Decimal dollars as text, at least four places: 1100 is `0.0011`."""
    amount = (Decimal(micro_usd) / MICRO).normalize()
    places = max(4, -int(amount.as_tuple().exponent))
    return f"{amount:.{places}f}"


def _bill(rate: Rate, seconds: float) -> int:
    exact = rate.usd_per_s * MICRO * ceil(seconds)
    return int(exact.to_integral_value(rounding=ROUND_CEILING))
