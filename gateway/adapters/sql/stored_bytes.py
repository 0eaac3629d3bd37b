"""The statements that keep what each tenant has stored.

The counter of the tenant's row is changed in the batch that adds or takes away what it counts.
Where something is taken away, the row that says how much is written to first, though with what
it holds: another batch about the same thing then waits, and finds it gone.
"""

from collections.abc import Sequence

from gateway.adapters.sql.engine import Statement, Value

PENDING = "WHERE id = ? AND tenant = ? AND status = 'pending'"
HOLD_PENDING = f"UPDATE uploads SET sweep_at = sweep_at {PENDING}"
_PROMISED = f"(SELECT size_bytes FROM uploads {PENDING})"


def promise(
    op: str, tenant: str, size_bytes: int, at: str, quota_bytes: int | None
) -> list[Statement]:
    """Begin a batch that promises so many bytes more; it breaks where there is no room."""
    room, params = _room("?", [size_bytes], quota_bytes)
    return [
        ("INSERT INTO ops (op, at, guards_needed, outcome) VALUES (?, ?, 1, '{}')", (op, at)),
        (
            f"UPDATE tenants SET stored_bytes = stored_bytes + ?, op = ? WHERE id = ?{room}",
            (size_bytes, op, tenant, *params),
        ),
        (
            "UPDATE ops SET guards_met = "
            "(SELECT count(*) FROM tenants WHERE id = ? AND op = ?) WHERE op = ?",
            (tenant, op, op),
        ),
    ]


def resize(
    op: str, tenant: str, upload_id: str, size_bytes: int, quota_bytes: int | None
) -> list[Statement]:
    """Let a pending upload count for another size; the second one's row says that it may."""
    ids = (upload_id, tenant)
    room, params = _room(f"? - {_PROMISED}", [size_bytes, *ids], quota_bytes)
    return [
        (HOLD_PENDING, ids),
        (
            f"UPDATE tenants SET stored_bytes = stored_bytes + ? - {_PROMISED}, op = ? "
            f"WHERE id = ? AND EXISTS {_PROMISED}{room} RETURNING id",
            (size_bytes, *ids, op, tenant, *ids, *params),
        ),
    ]


def arrive(tenant: str, upload_id: str, size_bytes: int) -> list[Statement]:
    """Count what has come in the place of what was promised, if it is still promised."""
    ids = (upload_id, tenant)
    return [
        (HOLD_PENDING, ids),
        (
            f"UPDATE tenants SET stored_bytes = stored_bytes + ? - {_PROMISED} "
            f"WHERE id = ? AND EXISTS {_PROMISED}",
            (size_bytes, *ids, tenant, *ids),
        ),
    ]


def call_off(tenant: str, upload_id: str) -> list[Statement]:
    """Count nothing for an upload any more, if it is still promised."""
    return arrive(tenant, upload_id, 0)


def take_away(tables_row: str, params: Sequence[Value]) -> list[Statement]:
    """Count a row of `assets` or `jobs` no more; `tables_row` is `TABLE WHERE …` of it.

    The same condition must follow in the statement that takes the row away.
    """
    table, _, condition = tables_row.partition(" WHERE ")
    return [
        (f"UPDATE {table} SET tenant = tenant WHERE {condition}", params),
        (
            f"UPDATE tenants SET stored_bytes = stored_bytes - {_size(table, condition)} "
            f"WHERE id = (SELECT tenant FROM {table} WHERE {condition})",
            (*params, *params),
        ),
    ]


def _size(table: str, condition: str) -> str:
    column = "stored_bytes" if table == "jobs" else "size_bytes"
    return f"(SELECT {column} FROM {table} WHERE {condition})"


def _room(
    more: str, params: Sequence[Value], quota_bytes: int | None
) -> tuple[str, Sequence[Value]]:
    if quota_bytes is None:
        return "", ()
    return f" AND stored_bytes + {more} <= ?", (*params, quota_bytes)
