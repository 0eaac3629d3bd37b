"""How much a tenant may spend in a day and in a month (UTC), and what is said about it.

Money is in millionths of a dollar. What counts against a cap is all that is spent or reserved;
a reserve counts in the day and the month it was made in, for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Self

from gateway.core.pricing import MICRO, usd
from shared.errors import TryAgainLater

# A billion dollars: what "no cap" is, so that every comparison is one of numbers.
UNLIMITED_MICRO_USD = 10**15
ALERT_PERCENTS = (80, 100)
# Nobody is asked to come back later than this: settled reserves may make room before.
LONGEST_PAUSE_S = 86_400
STOPPED_PAUSE_S = 3600


class Limit(StrEnum):
    """What forbids a reserve."""

    DAY = "day"
    MONTH = "month"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that may be spent and reserved in one day, and in one month."""

    day_micro_usd: int = UNLIMITED_MICRO_USD
    month_micro_usd: int = UNLIMITED_MICRO_USD

    @classmethod
    def of_usd(cls, day_usd: Decimal | None, month_usd: Decimal | None) -> Self:
        """Return caps of so many dollars; None is no cap."""
        day, month = (
            UNLIMITED_MICRO_USD if cap_usd is None else micro_usd(cap_usd)
            for cap_usd in (day_usd, month_usd)
        )
        return cls(day, month)


NO_CAPS = Caps()


@dataclass(frozen=True, slots=True)
class Budget:
    """What is set for one tenant; a cap that is None is what the settings say."""

    day_micro_usd: int | None = None
    month_micro_usd: int | None = None
    stopped_at: datetime | None = None

    def caps(self, usual: Caps) -> Caps:
        """Return the caps that hold, where `usual` are those of the settings."""
        day, month = self.day_micro_usd, self.month_micro_usd
        return Caps(
            usual.day_micro_usd if day is None else day,
            usual.month_micro_usd if month is None else month,
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What of one period is reserved and what is spent."""

    reserved_micro_usd: int = 0
    spent_micro_usd: int = 0

    @property
    def used_micro_usd(self) -> int:
        """What counts against the cap."""
        return self.reserved_micro_usd + self.spent_micro_usd


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing can be reserved, and until when; of a stop the figures say nothing."""

    limit: Limit
    ends_at: datetime
    period: str = ""
    cap_micro_usd: int = 0
    used_micro_usd: int = 0
    asked_micro_usd: int = 0

    @property
    def sentence(self) -> str:
        """What the tenant is told."""
        if self.limit is Limit.STOP:
            return "Spending is stopped for this tenant."
        return (
            f"The {self.limit}'s budget of ${usd(self.cap_micro_usd)} has no room for this: "
            f"${usd(self.used_micro_usd)} are spent or reserved, and it may cost "
            f"${usd(self.asked_micro_usd)}."
        )


@dataclass(frozen=True, slots=True)
class Alert:
    """A period has used this much of its cap, and nobody was told yet."""

    tenant: str
    period: str
    percent: int
    cap_micro_usd: int

    @property
    def name(self) -> str:
        """Names what happened once and for all; of letters, digits, `_` and `-`."""
        return f"budget-{self.tenant}-{self.period}-{self.percent}-{self.cap_micro_usd}"


def periods_of(at: datetime) -> tuple[str, str]:
    """Return the names of the day and of the month an instant is in."""
    day = at.astimezone(UTC).date().isoformat()
    return day, day[:7]


def end_of(period: str) -> datetime:
    """Return when a period of this name is over."""
    if period.count("-") > 1:
        after = date.fromisoformat(period) + timedelta(days=1)
    else:
        after = (date.fromisoformat(f"{period}-01") + timedelta(days=31)).replace(day=1)
    return datetime.combine(after, time(), UTC)


def refusal(
    budget: Budget, usual: Caps, used: Mapping[str, Standing], micro_usd: int, at: datetime
) -> Refusal | None:
    """Return why this may not be reserved at that time; None where there is room.

    `used`: by the name of the period; one that is missing has nothing in it.
    """
    if budget.stopped_at is not None:
        return Refusal(Limit.STOP, at + timedelta(seconds=STOPPED_PAUSE_S))
    caps = budget.caps(usual)
    day, month = periods_of(at)
    for limit, period, cap in (
        (Limit.DAY, day, caps.day_micro_usd),
        (Limit.MONTH, month, caps.month_micro_usd),
    ):
        standing = used.get(period, Standing())
        if standing.used_micro_usd + micro_usd > cap:
            return Refusal(
                limit, end_of(period), period, cap, standing.used_micro_usd, micro_usd
            )
    return None


def reaches(used_micro_usd: int, percent: int, cap_micro_usd: int) -> bool:
    """True where so much is used that this threshold of the cap is reached."""
    return used_micro_usd * 100 >= cap_micro_usd * percent


def alert_of(tenant: str, found: Refusal) -> Alert | None:
    """Return what a refusal says of the budget: that it is used up, or nothing.

    Where little is used, what was asked for is too dear, and the budget is not at its end.
    """
    nearly, wholly = ALERT_PERCENTS
    if found.limit is Limit.STOP or not reaches(
        found.used_micro_usd, nearly, found.cap_micro_usd
    ):
        return None
    return Alert(tenant, found.period, wholly, found.cap_micro_usd)


def over_budget(tenant: str, found: Refusal, now: datetime) -> TryAgainLater:
    """Return what a submission is told that may not be paid."""
    left_s = (found.ends_at - now).total_seconds()
    return TryAgainLater(
        f"{tenant}: {found.limit} of the budget has no room",
        public=found.sentence,
        code="budget_exceeded",
        retry_after_s=int(min(max(left_s, 1), LONGEST_PAUSE_S)),
    )


def micro_usd(amount_usd: Decimal) -> int:
    """Return an amount in millionths of a dollar, smaller fractions dropped."""
    return int(amount_usd * MICRO)
