"""Use case: an attempt's last word, from its report or its manifest, whichever comes first."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from gateway.core import strict_json
from gateway.core.happenings import (
    AttemptFailed,
    AttemptStopped,
    AttemptSucceeded,
    LastWord,
)
from gateway.core.job import Job, JobOutput
from gateway.core.object_keys import attempt_key
from gateway.ports.asset_store import AssetStore
from gateway.ports.attempt_log import AttemptLog, Grant
from gateway.ports.clock import Clock
from gateway.ports.object_store import ObjectStore
from gateway.services.change_job import Changed, ChangeJob
from gateway.services.grant_outputs import LARGEST_MANIFEST_BYTES, MANIFEST_TYPE
from gateway.services.reuse_result import name_of_work
from shared.artifacts import Output
from shared.errors import NotFound, ValidationFailed
from shared.job_kind import JobKind
from shared.work import MANIFEST, Final, ReportAnswer

log = logging.getLogger(__name__)

MANIFEST_DEPTH = 32


class NotAsSaid(Exception):
    """An output is not in the bucket as the attempt said; its text names which and why."""


def report_op(job_id: str, fence: int, report_no: int) -> str:
    """Return the op of a report: a repeat, or the manifest's copy, is seen by it."""
    return f"report:{job_id}:{fence}:{report_no}"


@dataclass(frozen=True, slots=True)
class FinishAttempt:
    """Success is taken only after every output was seen in the bucket with its size."""

    change: ChangeJob
    attempts: AttemptLog
    objects: ObjectStore
    assets: AssetStore
    clock: Clock
    kinds: Mapping[str, JobKind[Any, Any]]

    async def __call__(self, job: Job, final: Final) -> Changed:
        """Write what the last word makes of the job; the same one twice changes it once.

        Raises `TryAgainLater` where the store cannot be asked: nothing is decided then.
        """
        happening = await self._happening(job, final)
        changed = await self.change(
            report_op(job.id, final.fence, final.report_no),
            job.id,
            happening,
            outcome=lambda _: ReportAnswer().model_dump(mode="json"),
        )
        await self.note(job, final)
        return changed

    async def note(self, job: Job, final: Final) -> None:
        """Keep the last word for the bill and the record."""
        await self.attempts.note_last_word(
            job.id, final.fence, final.model_dump(mode="json"), self.clock.now()
        )

    async def from_manifest(self, job: Job) -> bool:
        """Take an open attempt's last word from its manifest; False if there is none.

        Whatever cannot be read as this attempt's own last word counts as none.
        """
        key = attempt_key(job.surface, job.kind, job.id, job.fence, MANIFEST, MANIFEST_TYPE)
        try:
            raw = await self.objects.read_range(key, 0, LARGEST_MANIFEST_BYTES)
            final = Final.model_validate(strict_json.parse(raw, depth_max=MANIFEST_DEPTH))
        except (NotFound, ValidationError, ValidationFailed):
            return False
        if final.fence != job.fence:
            return False
        log.info("attempt.finished_by_manifest", extra={"job_id": job.id, "fence": job.fence})
        await self(job, final)
        return True

    async def _happening(self, job: Job, final: Final) -> LastWord:
        if final.outcome == "stopped":
            return AttemptStopped()
        if final.outcome == "failed":
            error = final.error
            if error is None:
                return AttemptFailed("internal", "")
            return AttemptFailed(error.code, error.message, error.stage)
        kind = self.kinds[job.kind]
        try:
            result = kind.output.model_validate(final.result).model_dump(mode="json")
        except ValidationError as error:
            log.warning(
                "attempt.result_malformed",
                extra={"job_id": job.id, "fence": job.fence, "errors": error.error_count()},
            )
            return AttemptFailed("internal", "")
        try:
            outputs = await self._seen(job, final.outputs)
        except NotAsSaid as error:
            log.warning(
                "attempt.output_not_as_said",
                extra={"job_id": job.id, "fence": job.fence, "why": str(error)},
            )
            return AttemptFailed("storage_error", "", "upload")
        return AttemptSucceeded(result, outputs, await name_of_work(job, self.assets))

    async def _seen(self, job: Job, said: list[Output]) -> tuple[JobOutput, ...]:
        kind = self.kinds[job.kind]
        granted = {each.name: each for each in await self.attempts.grants(job.id, job.fence)}
        names = {each.name for each in said}
        missing = set(kind.outputs) - set(kind.optional_outputs) - names
        if missing or len(names) != len(said):
            raise NotAsSaid(f"missing or doubled: {sorted(missing)}")
        return tuple([await self._see(each, granted.get(each.name)) for each in said])

    async def _see(self, said: Output, grant: Grant | None) -> JobOutput:
        if grant is None or said.name == MANIFEST:
            raise NotAsSaid(f"{said.name} was never asked for")
        if (said.content_type, said.size_bytes, said.sha256) != (
            grant.content_type,
            grant.size_bytes,
            grant.sha256,
        ):
            raise NotAsSaid(f"{said.name} is not what was asked for")
        found = await self.objects.head(grant.key)
        if found is None:
            raise NotAsSaid(f"{said.name} is not in the bucket")
        if found.size_bytes != said.size_bytes:
            raise NotAsSaid(f"{said.name} has another size")
        return JobOutput(
            said.name,
            grant.key,
            said.content_type,
            said.size_bytes,
            said.sha256,
            found.etag,
        )
