"""Find the objects behind the references of an input, as this tenant may see them."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.core.job import JobFile, Status
from gateway.ports.asset_store import AssetStore
from gateway.ports.job_store import JobStore
from shared.artifacts import ACCEPTED_TYPES, NamedRef
from shared.errors import FieldError, NotFound, ValidationFailed
from shared.job_kind import StoredFile


@dataclass(frozen=True, slots=True)
class ResolvedFile:
    """A file of a job, with what its price is computed from."""

    file: JobFile
    stored: StoredFile


@dataclass(frozen=True, slots=True)
class ResolveFiles:
    """The resolved key is kept with the job: its bytes never change."""

    assets: AssetStore
    jobs: JobStore

    async def __call__(self, tenant: str, refs: Iterable[NamedRef]) -> list[ResolvedFile]:
        """Return the files in the order of the references.

        Raises `NotFound` (`asset_not_found`, `output_not_found`), also for another
        tenant's, and `ValidationFailed` where a file is of the wrong family.
        """
        return [await self._resolve(tenant, named) for named in refs]

    async def _resolve(self, tenant: str, named: NamedRef) -> ResolvedFile:
        found = (
            await self._asset(tenant, named, named.ref.asset_id)
            if named.ref.asset_id is not None
            else await self._output(tenant, named)
        )
        family = ACCEPTED_TYPES.get(found.file.content_type)
        if named.families and family not in named.families:
            allowed = " or ".join(named.families)
            raise ValidationFailed(
                [FieldError.at(("input", named.name), f"must be a {allowed} file")],
                code="unsupported_media_type",
            )
        return found

    async def _asset(self, tenant: str, named: NamedRef, asset_id: str) -> ResolvedFile:
        asset = await self.assets.get(tenant, asset_id)
        if asset is None:
            raise NotFound(
                f"no asset {asset_id} of {tenant}",
                public=f"input.{named.name}: there is no such asset.",
                code="asset_not_found",
            )
        return ResolvedFile(
            JobFile(
                named.name,
                asset.asset_id,
                asset.key,
                asset.size_bytes,
                asset.etag,
                asset.content_type,
                sha256=asset.sha256,
            ),
            StoredFile(asset.size_bytes, asset.content_type, asset.duration_s),
        )

    async def _output(self, tenant: str, named: NamedRef) -> ResolvedFile:
        ref = named.ref
        job = await self.jobs.get(ref.job_id or "", tenant=tenant)
        there = job and job.status is Status.SUCCEEDED and job.outputs_expired_at is None
        outputs = job.outputs if job and there else ()
        output = next((each for each in outputs if each.name == ref.output), None)
        if job is None or output is None:
            raise NotFound(
                f"no output {ref.output} of job {ref.job_id}",
                public=f"input.{named.name}: there is no such output of a succeeded job.",
                code="output_not_found",
            )
        return ResolvedFile(
            JobFile(
                named.name,
                None,
                output.key,
                output.size_bytes,
                output.etag,
                output.content_type,
                source_id=job.id,
                sha256=output.sha256,
            ),
            StoredFile(output.size_bytes, output.content_type),
        )
