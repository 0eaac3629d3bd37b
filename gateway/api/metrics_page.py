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

from gateway.core.figures import (
    BeatFigures,
    CallFigures,
    Histogram,
    JobFigures,
    WriteFigures,
)
from gateway.core.pricing import MICRO
from gateway.ports.census import Census
from gateway.services.process_figures import ProcessFigures
from gateway.services.request_figures import RequestFigures

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
WATCHERS = "Streams, sockets and waiting polls open on this process."
DATABASE_UP = "1 if the database answered this scrape; if not, what is counted there is absent."
ATTEMPTS = "Attempts that this process saw end, by the job's status or the failure's code."
WAITED = "Time from a job's submission to its first claim."
TOOK = "Time from a job's submission to its end."
SETTLED = "What the attempts cost that this process has settled."
CALLS = "Calls of this process to other programs."
CALL_TIME = "Time that those calls took, also those without an answer."
GROUPS = "Batches that were committed together."
WRITE_WAIT = "Time from when a batch was handed in until its group began."
GROUP_TIME = "Time from when a group began until it was durable, or given up."
GROUPS_FAILED = (
    "Groups given up: the disk is full, the lock was not freed, or the file is damaged."
)
TICK_TIME = "Time that a tick took."
TICK_LATE = "How late ticks began: for so long this process's loop was held up."
BEATS_FAILED = "Ticks and performances of effects that broke off for an error nobody foresaw."
DELIVERIES = (
    "Webhook deliveries that were neither taken nor given up, those due later included."
)
DELIVERIES_OVERDUE = "How long the longest due delivery has been due; 0 if none is."
TICKED = "Time since any gateway last ticked."
RESERVED = "What is reserved of this day's, and of this month's, budgets, in UTC."
SPENT = "What is spent of them."
SLOTS = "How many submitted jobs an endpoint may have."

Labels = TypeVar("Labels", bound=tuple[str, ...])


@dataclass(frozen=True, slots=True)
class Readings:
    """Everything there is to tell at one instant. `slots`: how many each endpoint has."""

    process: ProcessFigures
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
        yield from _requests(given.process.requests)
        yield from _jobs(given.process.jobs)
        yield from _calls(given.process.calls)
        yield from _writes(given.process.writes)
        yield from _beats(given.process.beats)
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


def _counter(
    name: str, meaning: str, labels: list[str], counts: Mapping[Labels, float]
) -> Metric:
    family = CounterMetricFamily(f"cutroom_{name}", meaning, labels=labels)
    for label, count in sorted(counts.items()):
        family.add_metric(label, count)
    return family


def _histogram(
    name: str, meaning: str, labels: list[str], values: Mapping[Labels, Histogram]
) -> Metric:
    family = HistogramMetricFamily(f"cutroom_{name}", meaning, labels=labels)
    for label in sorted(values):
        each = values[label]
        family.add_metric(label, list(each.cumulative()), each.total)
    return family


def _usd(micro_usd: int) -> float:
    """For a graph; what is billed is never a float."""
    return micro_usd / MICRO


def _requests(figures: RequestFigures) -> Iterator[Metric]:
    answered = {
        (route, method, str(status)): count
        for (route, method, status), count in figures.answered.items()
    }
    labels = ["route", "method", "status"]
    yield _counter("http_requests", "Requests answered by this process.", labels, answered)
    yield _histogram(
        "http_request_seconds",
        "Time until an answer of this process began.",
        ["route", "method"],
        figures.durations,
    )


def _jobs(figures: JobFigures) -> Iterator[Metric]:
    yield _counter("attempts", ATTEMPTS, ["kind", "outcome"], figures.attempts)
    waited = {(kind,): each for kind, each in figures.waited_s.items()}
    yield _histogram("job_wait_seconds", WAITED, ["kind"], waited)
    yield _histogram("job_seconds", TOOK, ["kind", "status"], figures.took_s)
    settled = {(kind,): _usd(spent) for kind, spent in figures.settled_micro_usd.items()}
    yield _counter("settled_usd", SETTLED, ["kind"], settled)


def _calls(figures: CallFigures) -> Iterator[Metric]:
    yield _counter("calls", CALLS, ["peer", "call", "outcome"], figures.ended)
    yield _histogram("call_seconds", CALL_TIME, ["peer", "call"], figures.durations)


def _writes(figures: WriteFigures) -> Iterator[Metric]:
    yield _histogram("database_group_batches", GROUPS, [], {(): figures.sizes})
    yield _histogram("database_wait_seconds", WRITE_WAIT, [], {(): figures.waited_s})
    yield _histogram("database_group_seconds", GROUP_TIME, [], {(): figures.taken_s})
    yield _counter("database_groups_failed", GROUPS_FAILED, [], {(): figures.failed})


def _beats(figures: BeatFigures) -> Iterator[Metric]:
    yield _histogram("tick_seconds", TICK_TIME, [], {(): figures.ticks_s})
    yield _histogram("tick_late_seconds", TICK_LATE, [], {(): figures.late_s})
    yield _counter("beats_failed", BEATS_FAILED, [], {(): figures.failed})


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
    left = census.deliveries
    waiting = left.count if left else 0
    yield _gauge("webhook_deliveries_waiting", DELIVERIES, [], {(): waiting})
    overdue_s = _age_s(left.first_due_at if left else None, now)
    yield _gauge("webhook_deliveries_overdue_seconds", DELIVERIES_OVERDUE, [], {(): overdue_s})
    if census.ticked_at is not None:
        yield _gauge("last_tick_seconds", TICKED, [], {(): _age_s(census.ticked_at, now)})
    spending = census.spending.items()
    reserved = {each: _usd(standing.reserved_micro_usd) for each, standing in spending}
    yield _gauge("reserved_usd", RESERVED, ["period"], _by_one(reserved))
    spent = {each: _usd(standing.spent_micro_usd) for each, standing in spending}
    yield _gauge("spent_usd", SPENT, ["period"], _by_one(spent))
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
