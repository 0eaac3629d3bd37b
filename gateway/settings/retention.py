"""How long things are kept, `CUTROOM_RETENTION_…`."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.settings.groups import Group

Days = Annotated[int, Field(ge=1, le=36_500)]


class Retention(Group):
    """What is not set is kept until somebody deletes it."""

    outputs_days: Days | None = Field(
        default=None,
        description="how long outputs of jobs are kept after they were made; the job stays, "
        "and says that they are gone",
    )
    assets_days: Days | None = Field(
        default=None,
        description="how long an asset is kept after it came, or after the last job that read "
        "it ended; one of a project or a clip stays",
    )
    jobs_days: Days | None = Field(
        default=None,
        description="how long a job is kept after its end, with its outputs; its costs stay. "
        "Needs `CUTROOM_RETENTION_OUTPUTS_DAYS`, and no less than that",
    )
    upload_rows_days: Days = Field(
        default=30,
        description="how long it is known that an upload came to nothing, or its asset was "
        "deleted",
    )
    ops_days: Annotated[int, Field(ge=1, le=30)] = Field(
        default=1,
        description="how long a repeated write is recognised, and effects that were performed "
        "are kept",
    )
    every_s: Annotated[float, Field(gt=0, le=86_400)] = Field(
        default=60.0, description="how often is looked for what has grown old"
    )

    @model_validator(mode="after")
    def _outputs_go_first(self) -> Self:
        outputs, jobs = self.outputs_days, self.jobs_days
        if jobs is not None and (outputs is None or outputs > jobs):
            raise ValueError(
                "CUTROOM_RETENTION_JOBS_DAYS is set without an equal or smaller "
                "CUTROOM_RETENTION_OUTPUTS_DAYS: outputs go with their job"
            )
        return self

    @property
    def outputs_kept(self) -> timedelta | None:
        """How long outputs are kept; None is until their job is deleted."""
        return _days(self.outputs_days)


def _days(days: int | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)
