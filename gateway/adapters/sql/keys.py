"""API keys and their tenants in SQL."""

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import ConstraintBroken, Row, SqlEngine, Statement, Value
from gateway.adapters.sql.rows import to_instant, to_text
from gateway.core.api_keys import ApiKey
from gateway.core.tenants import Tenant
from gateway.ports.key_store import KeyStore
from shared.errors import Conflict

_COLUMNS = "id, tenant, label, sha256, scopes, seeded, created_at, revoked_at, expires_at"
_MARKS = "?, ?, ?, ?, ?, ?, ?, ?, ?"
_INSERT = f"INSERT INTO api_keys ({_COLUMNS}) VALUES ({_MARKS})"
_INSERT_TENANT = (
    "INSERT INTO tenants (id, created_at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING"
)
_SELECT = (
    "SELECT k.id, k.tenant, k.label, k.sha256, k.scopes, k.seeded, k.created_at, "
    "k.revoked_at, k.expires_at, k.replaced_by, k.last_used_at, t.suspended_at "
    "FROM api_keys k JOIN tenants t ON t.id = k.tenant"
)


class SqlKeyStore(KeyStore):
    """Tables `tenants` and `api_keys`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def add(self, key: ApiKey) -> None:
        try:
            await self._engine.batch([_tenant(key), (_INSERT, _values(key))])
        except ConstraintBroken as error:
            raise Conflict(
                f"key {key.key_id}: {error}", public="There is such a key already."
            ) from error

    @override
    async def get(self, key_id: str) -> ApiKey | None:
        rows = await self._engine.fetch(f"{_SELECT} WHERE k.id = ?", (key_id,))
        return _key(rows[0]) if rows else None

    @override
    async def keys_of(self, tenant: str) -> list[ApiKey]:
        rows = await self._engine.fetch(
            f"{_SELECT} WHERE k.tenant = ? ORDER BY k.created_at, k.id", (tenant,)
        )
        return [_key(row) for row in rows]

    @override
    async def replace(self, old: ApiKey, new: ApiKey, at: datetime, ends_at: datetime) -> bool:
        then, ends = to_text(at), to_text(ends_at)
        replaced, _ = await self._engine.batch(
            [
                (
                    "UPDATE api_keys SET replaced_by = ?, expires_at = CASE "
                    "WHEN expires_at < ? THEN expires_at ELSE ? END WHERE id = ? "
                    "AND seeded = 0 AND revoked_at IS NULL AND replaced_by IS NULL "
                    "AND (expires_at IS NULL OR expires_at > ?) RETURNING id",
                    (new.key_id, ends, ends, old.key_id, then),
                ),
                (
                    f"INSERT INTO api_keys ({_COLUMNS}) SELECT {_MARKS} WHERE EXISTS "
                    "(SELECT 1 FROM api_keys WHERE id = ? AND replaced_by = ?) "
                    "ON CONFLICT (id) DO NOTHING",
                    (*_values(new), old.key_id, new.key_id),
                ),
            ]
        )
        return bool(replaced)

    @override
    async def revoke(self, key_id: str, at: datetime, *, tenant: str | None = None) -> bool:
        mine, params = (" AND tenant = ?", (tenant,)) if tenant is not None else ("", ())
        (rows,) = await self._engine.batch(
            [
                (
                    "UPDATE api_keys SET revoked_at = ? "
                    f"WHERE id = ? AND revoked_at IS NULL{mine} RETURNING id",
                    (to_text(at), key_id, *params),
                )
            ]
        )
        return bool(rows)

    @override
    async def note_use(self, key_id: str, at: datetime) -> None:
        then = to_text(at)
        await self._engine.batch(
            [
                (
                    "UPDATE api_keys SET last_used_at = ? "
                    "WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)",
                    (then, key_id, then),
                )
            ]
        )

    @override
    async def seed(self, keys: Sequence[ApiKey], at: datetime) -> None:
        upsert = (
            f"{_INSERT} ON CONFLICT (id) DO UPDATE SET sha256 = excluded.sha256, "
            "scopes = excluded.scopes, revoked_at = NULL WHERE api_keys.seeded = 1"
        )
        brought = f"AND id NOT IN ({', '.join('?' * len(keys))})" if keys else ""
        revoke = (
            "UPDATE api_keys SET revoked_at = ? "
            f"WHERE seeded = 1 AND revoked_at IS NULL {brought}"
        )
        ids = [key.key_id for key in keys]
        await self._engine.batch(
            [
                *(_tenant(key) for key in keys),
                *((upsert, _values(key)) for key in keys),
                (revoke, (to_text(at), *ids)),
            ]
        )

    @override
    async def add_tenant(self, tenant: Tenant) -> bool:
        made = f"{_INSERT_TENANT} RETURNING id"
        values = (tenant.name, to_text(tenant.created_at))
        (rows,) = await self._engine.batch([(made, values)])
        return bool(rows)

    @override
    async def tenants(self) -> list[Tenant]:
        rows = await self._engine.fetch(
            "SELECT id, created_at, suspended_at FROM tenants ORDER BY id"
        )
        return [
            Tenant(row["id"], to_instant(row["created_at"]), _instant(row["suspended_at"]))
            for row in rows
        ]

    @override
    async def suspend(self, tenant: str, at: datetime | None) -> bool:
        then = None if at is None else to_text(at)
        since = "NULL" if at is None else "coalesce(suspended_at, ?)"
        (rows,) = await self._engine.batch(
            [
                (
                    f"UPDATE tenants SET suspended_at = {since} WHERE id = ? RETURNING id",
                    (tenant,) if then is None else (then, tenant),
                )
            ]
        )
        return bool(rows)

    @override
    async def is_suspended(self, tenant: str) -> bool:
        return bool(
            await self._engine.fetch(
                "SELECT 1 FROM tenants WHERE id = ? AND suspended_at IS NOT NULL", (tenant,)
            )
        )


def _tenant(key: ApiKey) -> Statement:
    return (_INSERT_TENANT, (key.tenant, to_text(key.created_at)))


def _values(key: ApiKey) -> list[Value]:
    return [
        key.key_id,
        key.tenant,
        key.label,
        key.sha256,
        " ".join(sorted(key.scopes)),
        int(key.seeded),
        to_text(key.created_at),
        *(None if at is None else to_text(at) for at in (key.revoked_at, key.expires_at)),
    ]


def _key(row: Row) -> ApiKey:
    return ApiKey(
        key_id=row["id"],
        tenant=row["tenant"],
        label=row["label"],
        sha256=row["sha256"],
        scopes=frozenset(row["scopes"].split()),
        created_at=to_instant(row["created_at"]),
        seeded=bool(row["seeded"]),
        revoked_at=_instant(row["revoked_at"]),
        expires_at=_instant(row["expires_at"]),
        replaced_by=row["replaced_by"],
        last_used_at=_instant(row["last_used_at"]),
        suspended=row["suspended_at"] is not None,
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else to_instant(text)
