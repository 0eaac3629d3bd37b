"""What RunPod's documentation says of its limits and prices, August 2026."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

RUN_BODY_BYTES = 10_000_000
RUNSYNC_BODY_BYTES = 20_000_000
RESULT_BODY_BYTES = 20_000_000
CHUNK_BODY_BYTES = 1_000_000

LONGEST_S = 7 * 24 * 3600.0
SHORTEST_RUN_S = 5.0
SHORTEST_TTL_S = 10.0
DEFAULT_RUN_S = 600.0
DEFAULT_TTL_S = 24 * 3600.0
KEEP_RUN_RESULT_S = 30 * 60.0
KEEP_RUNSYNC_RESULT_S = 60.0

RATE_WINDOW_S = 10.0


@dataclass(frozen=True, slots=True)
class RouteLimit:
    """How often a route of one endpoint may be called in 10 s, and how many at once."""

    per_window: int
    at_once: int | None


ROUTE_LIMITS: Mapping[str, RouteLimit] = MappingProxyType(
    {
        "run": RouteLimit(1000, 200),
        "runsync": RouteLimit(2000, 400),
        "status": RouteLimit(2000, 400),
        "stream": RouteLimit(2000, 400),
        "cancel": RouteLimit(100, 20),
        "purge-queue": RouteLimit(2, None),
    }
)

# Flex workers, dollars a second for one GPU. A CPU's price is not in the documentation.
PRICES_USD_PER_S: Mapping[str, Decimal] = MappingProxyType(
    {
        "NVIDIA RTX A4000": Decimal("0.00016"),
        "NVIDIA L4": Decimal("0.00019"),
        "NVIDIA GeForce RTX 4090": Decimal("0.00031"),
        "NVIDIA A40": Decimal("0.00034"),
        "NVIDIA L40S": Decimal("0.00053"),
        "NVIDIA A100 80GB PCIe": Decimal("0.00076"),
        "NVIDIA H100 80GB HBM3": Decimal("0.00116"),
        "NVIDIA H200": Decimal("0.00155"),
        "NVIDIA B200": Decimal("0.00240"),
    }
)
