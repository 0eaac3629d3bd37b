"""Uploads in SQL; every change names the state it starts from, so it may repeat."""

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from gateway.adapters.sql.assets import ASSET_COLUMNS
from gateway.adapters.sql.engine import ConstraintBroken, Row, SqlEngine, Statement, Value
from gateway.adapters.sql.rows import to_instant, to_text
from gateway.adapters.sql.stored_bytes import PENDING, arrive, call_off, promise, resize
from gateway.core.upload import Asset, Upload, UploadStatus
from gateway.ports.upload_store import QuotaExceeded, UploadStore

UPLOAD_COLUMNS = (
    "id, tenant, object_key, filename, content_type, size_bytes, created_at, expires_at, "
    "sha256, duration_s, status, asset_id, multipart_id, part_size_bytes, size_is_limit, "
    "provisional"
)
_GET_UPLOAD = f"SELECT {UPLOAD_COLUMNS} FROM uploads WHERE id = ? AND tenant = ?"


class SqlUploadStore(UploadStore):
    """Table `uploads`; a completed one is a row of `assets` besides."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    @override
    async def create(
        self, upload: Upload, sweep_at: datetime, *, quota_bytes: int | None = None
    ) -> None:
        values = [*_values(upload), to_text(sweep_at)]
        marks = ", ".join("?" * len(values))
        insert = f"INSERT INTO uploads ({UPLOAD_COLUMNS}, sweep_at) VALUES ({marks})"
        begin = promise(
            f"upload:{upload.upload_id}",
            upload.tenant,
            upload.size_bytes,
            to_text(upload.created_at),
            quota_bytes,
        )
        try:
            await self._engine.batch([*begin, (insert, values)])
        except ConstraintBroken as error:
            if "guards_hold" in str(error):
                raise QuotaExceeded from error
            if "ops.op" not in str(error):  # else it was written before
                raise

    @override
    async def stored_bytes(self, tenant: str) -> int:
        rows = await self._engine.fetch(
            "SELECT stored_bytes FROM tenants WHERE id = ?", (tenant,)
        )
        return sum(row["stored_bytes"] for row in rows)

    @override
    async def get(self, tenant: str, upload_id: str) -> Upload | None:
        return _first(await self._engine.fetch(_GET_UPLOAD, (upload_id, tenant)))

    @override
    async def upload_at(self, tenant: str, key: str) -> Upload | None:
        return _first(
            await self._engine.fetch(
                f"SELECT {UPLOAD_COLUMNS} FROM uploads WHERE object_key = ? AND tenant = ?",
                (key, tenant),
            )
        )

    @override
    async def renew(
        self, upload: Upload, sweep_at: datetime, *, quota_bytes: int | None = None
    ) -> Upload | None:
        ids, then = (upload.upload_id, upload.tenant), to_text(sweep_at)
        op = f"renew:{upload.upload_id}:{then}"
        _, fits, _, _, left = await self._engine.batch(
            [
                *resize(op, upload.tenant, upload.upload_id, upload.size_bytes, quota_bytes),
                (
                    "UPDATE uploads SET filename = ?, content_type = ?, size_bytes = ?, "
                    f"size_is_limit = ?, expires_at = ?, sweep_at = ? {PENDING} "
                    "AND EXISTS (SELECT 1 FROM tenants WHERE id = ? AND op = ?)",
                    (
                        upload.filename,
                        upload.content_type,
                        upload.size_bytes,
                        int(upload.size_is_limit),
                        to_text(upload.expires_at),
                        then,
                        *ids,
                        upload.tenant,
                        op,
                    ),
                ),
                # The mark goes, for the next one at this instant would find it.
                ("UPDATE tenants SET op = NULL WHERE id = ? AND op = ?", (upload.tenant, op)),
                (_GET_UPLOAD, ids),
            ]
        )
        now = _first(left)
        if not fits and now is not None and now.status is UploadStatus.PENDING:
            raise QuotaExceeded
        return now

    @override
    async def name_multipart(self, upload: Upload, multipart_id: str) -> Upload | None:
        ids = (upload.upload_id, upload.tenant)
        return await self._change(
            (
                f"UPDATE uploads SET multipart_id = ? {PENDING} "
                "AND part_size_bytes IS NOT NULL AND multipart_id IS NULL",
                (multipart_id, *ids),
            ),
            (_GET_UPLOAD, ids),
        )

    @override
    async def complete(self, asset: Asset) -> Upload | None:
        upload, tenant = asset.upload_id, asset.tenant
        return await self._change(
            *arrive(tenant, upload, asset.size_bytes),
            (
                "UPDATE uploads SET status = 'complete', asset_id = ?, "
                f"sweep_at = CASE WHEN provisional = 1 THEN sweep_at END {PENDING}",
                (asset.asset_id, upload, tenant),
            ),
            (
                f"INSERT INTO assets ({ASSET_COLUMNS}) "
                "SELECT ?, tenant, id, object_key, filename, content_type, ?, ?, "
                "?, ?, NULL, duration_s FROM uploads WHERE id = ? AND asset_id = ? "
                "ON CONFLICT (id) DO NOTHING",
                (
                    asset.asset_id,
                    asset.size_bytes,
                    asset.etag,
                    to_text(asset.created_at),
                    asset.sha256,
                    upload,
                    asset.asset_id,
                ),
            ),
            (_GET_UPLOAD, (upload, tenant)),
        )

    @override
    async def abort(self, tenant: str, upload_id: str) -> Upload | None:
        return await self._change(
            *call_off(tenant, upload_id),
            (
                f"UPDATE uploads SET status = 'aborted', sweep_at = expires_at {PENDING}",
                (upload_id, tenant),
            ),
            (_GET_UPLOAD, (upload_id, tenant)),
        )

    async def _change(self, *statements: Statement) -> Upload | None:
        """Run a batch whose last statement reads the upload."""
        return _first((await self._engine.batch(statements))[-1])


def _first(rows: Sequence[Row]) -> Upload | None:
    return upload_of(rows[0]) if rows else None


def _values(upload: Upload) -> list[Value]:
    return [
        upload.upload_id,
        upload.tenant,
        upload.key,
        upload.filename,
        upload.content_type,
        upload.size_bytes,
        to_text(upload.created_at),
        to_text(upload.expires_at),
        upload.sha256,
        upload.duration_s,
        upload.status.value,
        upload.asset_id,
        upload.multipart_id,
        upload.part_size_bytes,
        int(upload.size_is_limit),
        int(upload.provisional),
    ]


def upload_of(row: Row) -> Upload:
    """Return the upload a row of `UPLOAD_COLUMNS` holds."""
    return Upload(
        upload_id=row["id"],
        tenant=row["tenant"],
        key=row["object_key"],
        filename=row["filename"],
        content_type=row["content_type"],
        size_bytes=row["size_bytes"],
        created_at=to_instant(row["created_at"]),
        expires_at=to_instant(row["expires_at"]),
        sha256=row["sha256"],
        duration_s=row["duration_s"],
        status=UploadStatus(row["status"]),
        asset_id=row["asset_id"],
        multipart_id=row["multipart_id"],
        part_size_bytes=row["part_size_bytes"],
        size_is_limit=bool(row["size_is_limit"]),
        provisional=bool(row["provisional"]),
    )
