"""How often a route may be called, counted as RunPod documents it."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from infra.local.runpod.facts import RATE_WINDOW_S, ROUTE_LIMITS


class TooMany(Exception):
    """Over the limit of a route: 429."""


class Rates:
    """One endpoint's calls of the last 10 s and of this moment, by route."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)
        self._open: Counter[str] = Counter()

    @contextmanager
    def admit(self, route: str) -> Iterator[None]:
        """Count a call for as long as it lasts. Raises `TooMany`."""
        limit, now, calls = ROUTE_LIMITS.get(route), self._clock(), self._calls[route]
        while calls and calls[0] <= now - RATE_WINDOW_S:
            calls.popleft()
        if limit is not None and (
            len(calls) >= limit.per_window
            or (limit.at_once is not None and self._open[route] >= limit.at_once)
        ):
            raise TooMany(route)
        calls.append(now)
        self._open[route] += 1
        try:
            yield
        finally:
            self._open[route] -= 1
