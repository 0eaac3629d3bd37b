"""API keys and their tenants in SQL."""

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.engine import ConstraintBroken, Row, SqlEngine, Statement, Value
from gateway.adapters.sql.rows import to_instant, to_text
from gateway.core.api_keys import ApiKey
from gateway.ports.key_store import KeyStore
from shared.errors import Conflict

_COLUMNS = "id, tenant, label, sha256, scopes, seeded, created_at, revoked_at"
_INSERT = f"INSERT INTO api_keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


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
        rows = await self._engine.fetch(
            f"SELECT {_COLUMNS} FROM api_keys WHERE id = ?", (key_id,)
        )
        return _key(rows[0]) if rows else None

    @override
    async def keys_of(self, tenant: str) -> list[ApiKey]:
        rows = await self._engine.fetch(
            f"SELECT {_COLUMNS} FROM api_keys WHERE tenant = ? ORDER BY created_at, id",
            (tenant,),
        )
        return [_key(row) for row in rows]

    @override
    async def revoke(self, key_id: str, at: datetime) -> bool:
        (rows,) = await self._engine.batch(
            [
                (
                    "UPDATE api_keys SET revoked_at = ? "
                    "WHERE id = ? AND revoked_at IS NULL RETURNING id",
                    (to_text(at), key_id),
                )
            ]
        )
        return bool(rows)

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


def _tenant(key: ApiKey) -> Statement:
    return (
        "INSERT INTO tenants (id, created_at) VALUES (?, ?) ON CONFLICT (id) DO NOTHING",
        (key.tenant, to_text(key.created_at)),
    )


def _values(key: ApiKey) -> list[Value]:
    return [
        key.key_id,
        key.tenant,
        key.label,
        key.sha256,
        " ".join(sorted(key.scopes)),
        int(key.seeded),
        to_text(key.created_at),
        None if key.revoked_at is None else to_text(key.revoked_at),
    ]


def _key(row: Row) -> ApiKey:
    revoked_at = row["revoked_at"]
    return ApiKey(
        key_id=row["id"],
        tenant=row["tenant"],
        label=row["label"],
        sha256=row["sha256"],
        scopes=frozenset(row["scopes"].split()),
        created_at=to_instant(row["created_at"]),
        seeded=bool(row["seeded"]),
        revoked_at=None if revoked_at is None else to_instant(revoked_at),
    )
