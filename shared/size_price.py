"""The price of work that reads its `source` once: by the stored size, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.job_kind import PriceRule, StoredFile

_MIB = 1024 * 1024
_FETCHED_BYTES_PER_S = 50e6


@dataclass(frozen=True, slots=True)
class BySize:
    """How long an attempt may take, from a floor up to a cap, and what it likely takes.

    Times in seconds; `mib_per_s` is what an attempt is left time for, on a slow disk and
    two cores.
    """

    likely_start_s: float
    limit_floor_s: float
    limit_cap_s: float
    mib_per_s: int

    def rule(self) -> PriceRule:
        """Return it as a kind's price."""
        each = "MiB" if self.mib_per_s == 1 else f"{self.mib_per_s} MiB"
        return PriceRule(
            self._limit_s,
            self._likely_s,
            f"worker seconds: {self.likely_start_s:.0f}, and one for each 50 MB of the stored "
            f"file; the limit is {self.limit_floor_s:.0f} s and one second for each {each}, "
            f"at most {self.limit_cap_s:.0f} s",
        )

    def _limit_s(self, _order: Any, files: Mapping[str, StoredFile]) -> float:
        by_size_s = files["source"].size_bytes / (self.mib_per_s * _MIB)
        return min(self.limit_floor_s + by_size_s, self.limit_cap_s)

    def _likely_s(self, order: Any, files: Mapping[str, StoredFile]) -> float:
        fetch_s = files["source"].size_bytes / _FETCHED_BYTES_PER_S
        return min(self.likely_start_s + fetch_s, self._limit_s(order, files))
