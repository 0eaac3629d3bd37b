"""Use case: give what an earlier job made of the very same work, free and at once."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from gateway.core.fingerprint import fingerprint
from gateway.core.happenings import ResultReused
from gateway.core.idempotency import IdempotencyKey
from gateway.core.job import Job, JobFile
from gateway.core.lifecycle import decide
from gateway.ports.asset_store import AssetStore
from gateway.ports.clock import Clock
from gateway.ports.job_reuse import JobReuse, NewReuse
from gateway.ports.job_store import JobIdTaken, KeyTaken, SourceGone
from gateway.ports.object_store import ObjectStore

log = logging.getLogger(__name__)

# Of several that did the same, the newest are looked at; with none of them there, it is made.
LOOKED_AT = 3
# What is about to be removed is not handed out again.
LEFT_AT_LEAST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked for, whoever asks and by when."""

    kind: str
    version: int
    input: Mapping[str, Any]
    files: tuple[JobFile, ...]

    def name(self) -> str:
        """Return its fingerprint, by what was known of the files' bytes."""
        return fingerprint(self.kind, self.version, self.input, self.files)


def work_of(job: Job) -> Work:
    """Return what a job is to do."""
    return Work(job.kind, job.kind_version, job.input, job.files)


async def name_of_work(job: Job, assets: AssetStore) -> str:
    """Return the fingerprint of a job's work, by what is known of its files' bytes by now."""
    files = [await _as_known(assets, job.tenant, file) for file in job.files]
    return replace(work_of(job), files=tuple(files)).name()


async def _as_known(assets: AssetStore, tenant: str, file: JobFile) -> JobFile:
    """A worker may have seen the bytes since the job came in."""
    if file.sha256 is not None or file.asset_id is None:
        return file
    asset = await assets.get(tenant, file.asset_id)
    return file if asset is None else replace(file, sha256=asset.sha256)


@dataclass(frozen=True, slots=True)
class ReuseResult:
    """`outputs_kept`: how long outputs are kept after they were made; None is for ever."""

    reuse: JobReuse
    objects: ObjectStore
    clock: Clock
    outputs_kept: timedelta | None = None

    async def __call__(self, op: str, job: Job, bind: IdempotencyKey | None) -> Job | None:
        """Write a job that has succeeded at once; None where the work must be done.

        Every output was seen in the bucket with its size and ETag just before. Raises
        `TryAgainLater` where the store cannot be asked: nothing is decided then.
        """
        for earlier in await self._same(job.tenant, work_of(job)):
            if not await self._is_there(earlier):
                continue
            decision = decide(job, ResultReused(earlier), job.created_at)
            new = NewReuse(op, job, decision.job, decision.effects, bind, earlier.id)
            try:
                await self.reuse.create_reused(new)
            except SourceGone:
                continue  # deleted since it was looked at
            except (KeyTaken, JobIdTaken):
                return None  # who makes a new one meets it too, and knows what to answer
            log.info("job.reused", extra={"job_id": job.id, "earlier": earlier.id})
            return decision.job
        return None

    async def would(self, tenant: str, work: Work) -> bool:
        """True where a job for this would be given an earlier result."""
        for earlier in await self._same(tenant, work):
            if await self._is_there(earlier):
                return True
        return False

    async def _same(self, tenant: str, work: Work) -> Sequence[Job]:
        # A file nobody had seen by the end of the earlier job is known there by its key alone.
        unseen = [replace(file, sha256=None) if file.asset_id else file for file in work.files]
        names = {work.name(), replace(work, files=tuple(unseen)).name()}
        since = None
        if self.outputs_kept is not None:
            since = self.clock.now() - self.outputs_kept + LEFT_AT_LEAST
        return await self.reuse.reusable(tenant, sorted(names), since, LOOKED_AT)

    async def _is_there(self, earlier: Job) -> bool:
        """True if every output lies in the bucket as it was published."""
        for output in earlier.outputs:
            found = await self.objects.head(output.key)
            seen = (found.size_bytes, found.etag) if found else None
            if seen != (output.size_bytes, output.etag):
                log.warning(
                    "job.output_missing", extra={"job_id": earlier.id, "key": output.key}
                )
                return False
        return bool(earlier.outputs)
