"""What submitting a job costs: in time, in CPU, and for surviving a power cut."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import get_args

from bench.figures import Figure, Measurement
from bench.gateway_process import GatewayProcess, Secrets, environment, gateway, peer
from bench.gateway_server import Mode
from bench.load import Plan, Seen
from bench.workplace import Workplace

AT_ONCE = 32

MODES: tuple[Mode, ...] = tuple(mode for mode in get_args(Mode) if mode != "watched")


@dataclass(slots=True)
class _Blocks:
    """What the blocks at one gateway came to, in the order they ran."""

    per_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    alone_ms: list[float] = field(default_factory=list)


def submitting(place: Workplace) -> Mapping[str, float]:
    """The same route with a durable database, a less durable one, and none."""
    known = Secrets.fresh()
    blocks = {mode: _Blocks() for mode in MODES}
    databases = {mode: place.room(mode) / "bench.sqlite3" for mode in MODES}
    with ExitStack() as stack:
        gateways = {
            mode: stack.enter_context(gateway(place, mode, environment(known, database)))
            for mode, database in databases.items()
        }
        for one in gateways.values():
            _load(place, one, known, AT_ONCE)  # connections, caches, the first pages
        for mode in _turns(place.effort.blocks):
            one, kept = gateways[mode], blocks[mode]
            _empty_the_queue(databases[mode])
            before_s = one.cpu_s()
            seen = _load(place, one, known, AT_ONCE)
            kept.cpu_s.append((one.cpu_s() - before_s) / place.effort.requests)
            kept.per_s.append(place.effort.requests / seen.elapsed_s)
            kept.alone_ms.append(_load(place, one, known, 1).p50_ms)
    full, normal, none = (blocks[mode] for mode in MODES)
    return {
        "submit_full_vs_normal": max(full.per_s) / max(normal.per_s),
        # Of neighbours in time, since a machine may change its speed within a run.
        "submit_cpu_ratio": median(
            with_it / without for with_it, without in zip(full.cpu_s, none.cpu_s, strict=True)
        ),
        "submit_added_ms_p50": min(full.alone_ms) - min(none.alone_ms),
    }


def against_sqlalchemy(place: Workplace) -> Mapping[str, float]:
    """Our gateway over the same promises kept with SQLAlchemy, turn about."""
    known, effort = Secrets.fresh(), place.effort
    databases = {name: place.room(name) / "bench.sqlite3" for name in ("ours", "peer")}
    per_s: dict[str, list[float]] = {name: [] for name in databases}
    with ExitStack() as stack:
        served = {
            "ours": stack.enter_context(
                gateway(place, "full", environment(known, databases["ours"]))
            ),
            "peer": stack.enter_context(peer(place, environment(known, databases["peer"]))),
        }
        for one in served.values():
            _load(place, one, known, AT_ONCE)
        for number in range(effort.blocks):
            names = list(served)
            for name in reversed(names) if number % 2 else names:
                _empty_the_queue(databases[name])
                seen = _load(place, served[name], known, AT_ONCE)
                per_s[name].append(effort.requests / seen.elapsed_s)
    return {"submit_vs_sqlalchemy": max(per_s["ours"]) / max(per_s["peer"])}


def _turns(blocks: int) -> Iterator[Mode]:
    for number in range(blocks):
        yield from reversed(MODES) if number % 2 else MODES


def _empty_the_queue(database: Path) -> None:
    """A queue that grows from block to block would let the last one pay for the first."""
    with closing(sqlite3.connect(database, timeout=10)) as connection, connection:
        connection.execute(
            "UPDATE jobs SET status = 'cancelled', waiting_for = NULL WHERE status = 'queued'"
        )
        if connection.execute(
            "SELECT 1 FROM sqlite_master WHERE name = 'endpoints'"
        ).fetchone():
            connection.execute("UPDATE endpoints SET waiting = 0")  # the peer keeps no count


def _load(place: Workplace, one: GatewayProcess, known: Secrets, at_once: int) -> Seen:
    requests = place.effort.requests if at_once > 1 else place.effort.requests // 3
    plan = Plan(one.base_url, known.api_key, requests, at_once)
    return Seen(**json.loads(place.python("-m", "bench.load", json.dumps(asdict(plan)))))


MEASUREMENTS = (
    Measurement(
        (
            Figure("submit_full_vs_normal", "×", 0.8, at_least=True),
            Figure("submit_cpu_ratio", "×", 1.6),
            Figure("submit_added_ms_p50", "ms", 0.5, judged=False),
        ),
        submitting,
    ),
    Measurement((Figure("submit_vs_sqlalchemy", "×", 2, at_least=True),), against_sqlalchemy),
)
