"""The text Prometheus reads. Imported when it is asked for, with the library behind it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector, CollectorRegistry
from typing_extensions import override

from gateway.ports.census import Census
from gateway.services.request_figures import RequestFigures

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
WATCHERS = "Streams, sockets and waiting polls open on this process."
DATABASE_UP = "1 if the database answered this scrape; if not, what is counted there is absent."
SLOTS = "How many submitted jobs an endpoint may have."

Labels = TypeVar("Labels", bound=tuple[str, ...])


@dataclass(frozen=True, slots=True)
class Readings:
    """Everything there is to tell at one instant. `slots`: how many each endpoint has."""

    requests: RequestFigures
    census: Census | None
    slots: Mapping[str, int]
    watchers: Mapping[str, int]
    now: datetime


def page(readings: Readings) -> bytes:
    """Return the readings in the text format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(readings))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    @override
    def collect(self) -> Iterator[Metric]:
        """Yield each family with its samples."""
        given = self._readings
        yield from _requests(given.requests)
        yield _gauge("watchers", WATCHERS, ["transport"], _by_one(given.watchers))
        yield _gauge("database_up", DATABASE_UP, [], {(): int(given.census is not None)})
        yield _gauge("endpoint_slots", SLOTS, ["endpoint"], _by_one(given.slots))
        if given.census is not None:
            yield from _counted(given.census, given.slots, given.now)


def _by_one(values: Mapping[str, float]) -> dict[tuple[str, ...], float]:
    """Return the same with each name as the one label's value."""
    return {(name,): value for name, value in values.items()}


def _gauge(
    name: str, meaning: str, labels: list[str], values: Mapping[Labels, float]
) -> Metric:
    family = GaugeMetricFamily(f"cutroom_{name}", meaning, labels=labels)
    for label, value in sorted(values.items()):
        family.add_metric(label, value)
    return family


def _requests(figures: RequestFigures) -> Iterator[Metric]:
    answered = CounterMetricFamily(
        "cutroom_http_requests",
        "Requests answered by this process.",
        labels=["route", "method", "status"],
    )
    for (route, method, status), count in sorted(figures.answered.items()):
        answered.add_metric([route, method, str(status)], count)
    yield answered
    durations = HistogramMetricFamily(
        "cutroom_http_request_seconds",
        "Time until an answer of this process began.",
        labels=["route", "method"],
    )
    for (route, method), each in sorted(figures.durations.items()):
        durations.add_metric([route, method], list(each.cumulative()), each.total_s)
    yield durations


def _counted(census: Census, slots: Mapping[str, int], now: datetime) -> Iterator[Metric]:
    yield _gauge(
        "jobs", "Jobs that are kept, by kind and status.", ["kind", "status"], census.jobs
    )
    endpoints = {*slots, *census.slots_taken, *census.queued_since}
    yield _gauge(
        "oldest_queued_job_seconds",
        "Age of the oldest job that waits for a slot, a worker or its next attempt; 0 if none.",
        ["endpoint"],
        _by_one({each: _age_s(census.queued_since.get(each), now) for each in endpoints}),
    )
    yield _gauge(
        "endpoint_slots_taken",
        "Jobs submitted to an endpoint and not ended.",
        ["endpoint"],
        _by_one({each: census.slots_taken.get(each, 0) for each in endpoints}),
    )
    yield _gauge(
        "effects_waiting",
        "Rows of the outbox not done, those due later included.",
        ["kind"],
        _by_one({kind: each.count for kind, each in census.effects.items()}),
    )
    overdue = {kind: _age_s(each.first_due_at, now) for kind, each in census.effects.items()}
    yield _gauge(
        "effects_overdue_seconds",
        "How long the longest due effect has been due; 0 if none is.",
        [],
        {(): max(overdue.values(), default=0.0)},
    )
    yield _gauge(
        "attempts_open", "Attempts that may still report.", [], {(): census.attempts_open}
    )
    yield _gauge(
        "attempts_ended",
        "Ended attempts of kept jobs, by the job's final status or the failure's code.",
        ["outcome"],
        _by_one(census.attempts_ended),
    )


def _age_s(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0
