"""Export project stores with an upload store beside them, for tests of the stores."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.adapters.memory.export_projects import MemoryExportProjectStore
from gateway.adapters.memory.uploads import MemoryUploadStore
from gateway.adapters.sql.export_projects import SqlExportProjectStore
from gateway.adapters.sql.uploads import SqlUploadStore
from gateway.adapters.sqlite.engine import SqliteEngine
from gateway.adapters.sqlite.migrate import migrate
from gateway.ports.export_projects import ExportProjectStore
from gateway.ports.upload_store import UploadStore
from tests.support.jobs import NOON


@dataclass(frozen=True, slots=True)
class ProjectStores:
    """The projects, and the uploads whose assets they name."""

    projects: ExportProjectStore
    uploads: UploadStore


@asynccontextmanager
async def _memory(_: Path) -> AsyncIterator[ProjectStores]:
    uploads = MemoryUploadStore()
    projects = MemoryExportProjectStore(uploads.has_asset)
    uploads.takers.append(projects.takes)
    yield ProjectStores(projects, uploads)


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[ProjectStores]:
    database = folder / "cutroom.db"
    migrate(database, now=NOON)
    async with SqliteEngine(database) as engine:
        await engine.batch(
            [
                ("INSERT INTO tenants (id, created_at) VALUES (?, '2026')", (tenant,))
                for tenant in ("default", "other")
            ]
        )
        yield ProjectStores(SqlExportProjectStore(engine), SqlUploadStore(engine))


PROJECT_STORES: dict[str, Callable[[Path], AbstractAsyncContextManager[ProjectStores]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
}
