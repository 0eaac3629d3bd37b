"""Where the exports surface keeps its projects and clips."""

from datetime import datetime
from typing import Protocol

from gateway.core.export_project import ExportClip, ExportProject


class ExportProjectStore(Protocol):
    """Every implementation passes `tests/conformance/test_export_projects.py`.

    Each write is durable before it is answered, and one step. A project belongs to its
    tenant: another's of the same number is another project.
    """

    async def put_project(
        self, tenant: str, project_id: int, working_asset_id: str | None, at: datetime
    ) -> ExportProject | None:
        """Make the project, or give it this working video; return it as it is then.

        None, and nothing written, where the tenant has no such asset any more.
        """

    async def get_project(self, tenant: str, project_id: int) -> ExportProject | None:
        """Return the project."""

    async def put_clip(self, clip: ExportClip) -> ExportClip | None:
        """Make or replace the clip; return it with the time it was first made.

        Makes the project too, without a video, if there is none. None, and nothing
        written, where the tenant has no such asset any more.
        """

    async def get_clip(
        self, tenant: str, project_id: int, clip_index: int
    ) -> ExportClip | None:
        """Return the clip."""
