"""The statements of one change: each later one does nothing where the first one lost.

A batch begins with its `ops` row and a compare-and-set that marks the job's row with the
op; every later statement asks for that mark. The last one removes an `ops` row that was
left without outcome, so that a lost race leaves no trace.
"""

from collections.abc import Iterable, Sequence

from gateway.adapters.sql import money
from gateway.adapters.sql.engine import Statement, Value
from gateway.adapters.sql.rows import CHANGING, cells, to_json, to_text
from gateway.core.effects import Effect
from gateway.core.events import event_body
from gateway.core.job import WaitingFor
from gateway.ports.job_store import Change

NEVER_LEASED = ""
CAS = 1  # where the compare-and-set stands in the batch of a change

_MARKED = money.MARKED
_INSERT_EFFECT = (
    "INSERT INTO effects (id, kind, job_id, body, due_at, lease_until) "
    "SELECT ?, ?, ?, ?, ?, ? WHERE {condition} ON CONFLICT (id) DO NOTHING"
)


def change(what: Change) -> list[Statement]:
    """Everything one decision writes; `CAS` says where its compare-and-set stands."""
    before, after, op = what.before, what.after, what.op
    assignments = ", ".join(f"{name} = ?" for name in CHANGING)
    stored_bytes = _new_bytes(what)
    if stored_bytes:
        assignments += f", stored_bytes = {stored_bytes}"
    return [
        (
            "INSERT INTO ops (op, job_id, at, guards_needed) VALUES (?, ?, ?, ?)",
            (op, after.id, to_text(what.at), _guards(what)),
        ),
        (
            f"UPDATE jobs SET {assignments}, op = ? "
            "WHERE id = ? AND version = ? RETURNING version",
            [
                *cells(after, CHANGING),
                op,
                after.id,
                before.version,
            ],
        ),
        *_counters(what),
        *_events(what),
        *_attempt(what),
        *_next_reserve(what),
        *add_effects(what.effects, _MARKED, (after.id, op)),
        (
            f"UPDATE ops SET outcome = ? WHERE op = ? AND {_MARKED}",
            (to_json(what.outcome), op, after.id, op),
        ),
        ("DELETE FROM ops WHERE op = ? AND outcome IS NULL", (op,)),
    ]


def add_effects(
    effects: Iterable[Effect], condition: str = "1 = 1", params: Sequence[Value] = ()
) -> list[Statement]:
    """Rows of the outbox; one that is there already is kept."""
    return [
        (
            _INSERT_EFFECT.format(condition=condition),
            (
                each.id,
                each.kind.value,
                each.job_id,
                to_json(each.body),
                to_text(each.due_at),
                NEVER_LEASED,
                *params,
            ),
        )
        for each in effects
    ]


def _guards(what: Change) -> int:
    """How many guards stand before the slot that it takes: the endpoint's, and its kind's."""
    if what.slot_cap is None or what.before.holds_slot or not what.after.holds_slot:
        return 0
    return 1 + (what.kind_cap is not None)


def _counters(what: Change) -> list[Statement]:
    before, after, op = what.before, what.after, what.op
    guarded = _guards(what) > 0
    statements: list[Statement] = []
    taken = after.holds_slot - before.holds_slot
    waiting = (after.waiting_for is WaitingFor.SLOT) - (before.waiting_for is WaitingFor.SLOT)
    if taken or waiting:
        room = " AND taken < ?" if guarded else ""
        limit = [what.slot_cap] if guarded else []
        statements.append(
            (
                "UPDATE endpoints SET taken = taken + ?, waiting = waiting + ?, op = ? "
                f"WHERE name = ?{room} AND {_MARKED}",
                (taken, waiting, op, after.endpoint, *limit, after.id, op),
            )
        )
    if guarded:
        # The endpoint's row is written by now, which lets one batch at a time count here.
        of_kind: str = ""
        params: tuple[Value, ...] = ()
        if what.kind_cap is not None:
            of_kind = (
                " + CASE WHEN (SELECT count(*) FROM jobs WHERE endpoint = ? "
                "AND holds_slot = 1 AND kind = ?) <= ? THEN 1 ELSE 0 END"
            )
            params = (after.endpoint, after.kind, what.kind_cap)
        # A lost compare-and-set is no missed guard: it leaves the count as needed.
        statements.append(
            (
                "UPDATE ops SET guards_met = CASE "
                f"WHEN {_MARKED} THEN (SELECT count(*) FROM endpoints WHERE op = ?){of_kind} "
                "ELSE guards_needed END WHERE op = ?",
                (after.id, op, op, *params, op),
            )
        )
    if after.is_final and not before.is_final:
        statements.append(
            (
                "UPDATE tenants SET open_jobs = open_jobs - 1, "
                f"stored_bytes = stored_bytes + ? WHERE id = ? AND {_MARKED}",
                (_new_bytes(what), after.tenant, after.id, op),
            )
        )
    return statements


def _new_bytes(what: Change) -> int:
    """What the job's outputs add to what its tenant has stored; they come with its end."""
    came = what.after.is_final and not what.before.is_final
    return sum(each.size_bytes for each in what.after.outputs) if came else 0


def _events(what: Change) -> list[Statement]:
    return [
        (
            "INSERT INTO events (job_id, seq, type, body, at) "
            f"SELECT ?, ?, ?, ?, ? WHERE {_MARKED}",
            (
                what.after.id,
                what.after.seq,
                event,
                event_body(what.after, event, what.at),
                to_text(what.at),
                what.after.id,
                what.op,
            ),
        )
        for event in what.events
    ]


def _attempt(what: Change) -> list[Statement]:
    before, after, op = what.before, what.after, what.op
    at = to_text(what.at)
    statements: list[Statement] = []
    if after.fence > before.fence:
        statements.append(
            (
                "INSERT INTO attempts (job_id, fence, nonce, claimed_at) "
                f"SELECT ?, ?, ?, ? WHERE {_MARKED}",
                (after.id, after.fence, after.nonce, at, after.id, op),
            )
        )
    if before.has_open_attempt and not after.has_open_attempt:
        statements.append(
            (
                "UPDATE attempts SET ended_at = ?, outcome = ? "
                f"WHERE job_id = ? AND fence = ? AND ended_at IS NULL AND {_MARKED}",
                (at, what.attempt_outcome, after.id, before.fence, after.id, op),
            )
        )
    return statements


def _next_reserve(what: Change) -> list[Statement]:
    """Where another attempt is to follow: its reserve, or a broken batch and nothing at all."""
    after, op, at = what.after, what.op, what.at
    if not what.reserves:
        return []
    mark = (after.id, op)
    return [
        (
            "INSERT INTO ledger (job_id, fence, entry, micro_usd, at) "
            f"SELECT ?, ?, 'reserve', ?, ? WHERE {_MARKED}",
            (after.id, after.next_fence, after.reserve_micro_usd, to_text(at), *mark),
        ),
        *money.reserve_marked(mark, after.tenant, at, after.reserve_micro_usd, what.caps),
    ]
