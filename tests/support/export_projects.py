"""Export project stores with an upload store beside them, for tests of the stores."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.adapters.memory.assets import MemoryAssetStore
from gateway.adapters.memory.export_projects import MemoryExportProjectStore
from gateway.adapters.memory.tables import Tables
from gateway.adapters.memory.upload_sweep import MemoryUploadSweep
from gateway.adapters.memory.uploads import MemoryUploadStore
from gateway.adapters.sql.assets import SqlAssetStore
from gateway.adapters.sql.export_projects import SqlExportProjectStore
from gateway.adapters.sql.upload_sweep import SqlUploadSweep
from gateway.adapters.sql.uploads import SqlUploadStore
from gateway.ports.asset_store import AssetStore
from gateway.ports.export_projects import ExportProjectStore
from gateway.ports.upload_store import UploadStore
from gateway.ports.upload_sweep import UploadSweep
from tests.support.databases import engine_on, new_database
from tests.support.jobs import NOON


@dataclass(frozen=True, slots=True)
class ProjectStores:
    """The projects, and the uploads whose assets they name."""

    projects: ExportProjectStore
    uploads: UploadStore
    assets: AssetStore
    upload_sweep: UploadSweep


@asynccontextmanager
async def _memory(_: Path) -> AsyncIterator[ProjectStores]:
    tables = Tables()
    projects = MemoryExportProjectStore(tables.has_asset)
    tables.takers.append(projects.takes)
    yield ProjectStores(
        projects,
        MemoryUploadStore(tables),
        MemoryAssetStore(tables),
        MemoryUploadSweep(tables),
    )


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[ProjectStores]:
    database = folder / "cutroom.db"
    new_database(database, NOON)
    async with engine_on(database) as engine:
        await engine.batch(
            [
                ("INSERT INTO tenants (id, created_at) VALUES (?, '2026')", (tenant,))
                for tenant in ("default", "other")
            ]
        )
        yield ProjectStores(
            SqlExportProjectStore(engine),
            SqlUploadStore(engine),
            SqlAssetStore(engine),
            SqlUploadSweep(engine),
        )


PROJECT_STORES: dict[str, Callable[[Path], AbstractAsyncContextManager[ProjectStores]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
}
