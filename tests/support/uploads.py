"""Upload stores and their data, for tests of the stores, the services and the routes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.adapters.memory.assets import MemoryAssetStore
from gateway.adapters.memory.export_projects import MemoryExportProjectStore
from gateway.adapters.memory.jobs import MemoryJobStore
from gateway.adapters.memory.tables import Tables
from gateway.adapters.memory.upload_sweep import MemoryUploadSweep
from gateway.adapters.memory.uploads import MemoryUploadStore
from gateway.adapters.sql.assets import SqlAssetStore
from gateway.adapters.sql.export_projects import SqlExportProjectStore
from gateway.adapters.sql.jobs import SqlJobStore
from gateway.adapters.sql.upload_sweep import SqlUploadSweep
from gateway.adapters.sql.uploads import SqlUploadStore
from gateway.core.job import JobFile
from gateway.core.upload import Asset, Upload
from gateway.ports.asset_store import AssetStore
from gateway.ports.export_projects import ExportProjectStore
from gateway.ports.job_store import JobStore, NewJob
from gateway.ports.upload_store import UploadStore
from gateway.ports.upload_sweep import UploadSweep
from tests.support.databases import engine_on, new_database
from tests.support.jobs import NOON, a_job


def an_upload(upload_id: str = "u1", **fields: Any) -> Upload:
    """Return a pending upload of 1000 bytes whose URLs die in an hour."""
    given: dict[str, Any] = {
        "tenant": "default",
        "key": f"default/uploads/{upload_id}.mp4",
        "filename": "Match – Finale.mp4",
        "content_type": "video/mp4",
        "size_bytes": 1000,
        "created_at": NOON,
        "expires_at": NOON + timedelta(hours=1),
    }
    return Upload(upload_id=upload_id, **{**given, **fields})


def the_asset(upload: Upload, asset_id: str = "a1", **fields: Any) -> Asset:
    """Return what an upload becomes."""
    given: dict[str, Any] = {
        name: getattr(upload, name)
        for name in (
            *("tenant", "upload_id", "key", "filename", "content_type", "size_bytes"),
            *("sha256", "duration_s"),
        )
    }
    given |= {"etag": "e1", "created_at": NOON}
    return Asset(asset_id=asset_id, **{**given, **fields})


@dataclass(frozen=True, slots=True)
class UploadStores:
    """The stores of uploads, and those of jobs and projects that say what is in use."""

    uploads: UploadStore
    assets: AssetStore
    upload_sweep: UploadSweep
    jobs: JobStore
    projects: ExportProjectStore

    async def job_reads(self, asset: Asset, job_id: str = "j1") -> None:
        """Submit a job that reads the asset."""
        file = JobFile(
            *("source", asset.asset_id, asset.key, asset.size_bytes, asset.etag),
            asset.content_type,
        )
        job = a_job(job_id, tenant=asset.tenant, files=(file,))
        await self.jobs.create(NewJob(f"job:{job_id}", job, (), None, 1000))


@asynccontextmanager
async def _memory(_: Path) -> AsyncIterator[UploadStores]:
    tables = Tables()
    projects = MemoryExportProjectStore(tables.has_asset)
    tables.takers.append(projects.takes)
    yield UploadStores(
        MemoryUploadStore(tables),
        MemoryAssetStore(tables),
        MemoryUploadSweep(tables),
        MemoryJobStore(tables),
        projects,
    )


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[UploadStores]:
    database = folder / "cutroom.db"
    new_database(database, NOON)
    async with engine_on(database) as engine:
        await engine.batch(
            [
                ("INSERT INTO tenants (id, created_at) VALUES (?, '2026')", (tenant,))
                for tenant in ("default", "other")
            ]
        )
        yield UploadStores(
            SqlUploadStore(engine),
            SqlAssetStore(engine),
            SqlUploadSweep(engine),
            SqlJobStore(engine),
            SqlExportProjectStore(engine),
        )


UPLOAD_STORES: dict[str, Callable[[Path], AbstractAsyncContextManager[UploadStores]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
}

# An upload that its caller has given up by then, and an export's input that is due.
UPLOAD = an_upload()
ABANDONED = UPLOAD.expires_at + timedelta(days=1)
INPUT = an_upload("in1", key="input/in1/video.mp4", provisional=True)
DUE = NOON + timedelta(days=1)


async def to_sweep(stores: UploadStores, now: datetime) -> list[str]:
    """Return which uploads are to be swept, inputs of exports left aside."""
    due = await stores.upload_sweep.to_sweep(now, 10)
    return [each.upload_id for each in due if not each.provisional]


async def inputs_to_sweep(stores: UploadStores, now: datetime = DUE) -> list[str]:
    """Return which inputs of exports are to be swept."""
    due = await stores.upload_sweep.to_sweep(now, 10)
    return [each.upload_id for each in due if each.provisional]
