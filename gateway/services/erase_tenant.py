"""Use case: a tenant goes, with everything that is or was theirs but what was spent."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from gateway.core import effects
from gateway.core.decision import Refused
from gateway.core.effects import Effect
from gateway.core.happenings import CancelAsked
from gateway.core.upload import Upload, UploadStatus
from gateway.ports.asset_store import AssetStore
from gateway.ports.clock import Clock
from gateway.ports.erasure_store import Erasure, ErasureStore, Left
from gateway.ports.job_removal import Deleted, JobRemoval
from gateway.ports.multipart_store import MultipartStore
from gateway.ports.object_store import ObjectStore
from gateway.ports.upload_store import UploadStore
from gateway.services.change_job import ChangeJob
from gateway.services.perform_effects import PutOff
from shared.errors import NotFound

log = logging.getLogger(__name__)

AT_ONCE = 25
KEYS_AT_ONCE = 500
# URLs have to die, and ops to grow old: there is no hurry.
LOOK_AGAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class EraseTenant:
    """From its commit on nobody gets in; what is there goes by an effect, over a day or two."""

    store: ErasureStore
    clock: Clock
    new_id: Callable[[], str]

    async def __call__(self, tenant: str) -> Erasure:
        """Return the erasure; asked for again, the one under way. Raises `NotFound`."""
        now = self.clock.now()
        wanted = Erasure(self.new_id(), tenant, now)
        begun = await self.store.begin(wanted, effects.erase_tenant(wanted.id, at=now))
        if begun is None:
            raise NotFound(f"no tenant {tenant}", public="There is no such tenant.")
        return begun

    async def all(self) -> list[tuple[Erasure, Left]]:
        """Return all erasures, the newest first, with what is left of each tenant."""
        return [
            (each, await self.store.left(each.tenant) if each.tenant else Left(0, 0))
            for each in await self.store.all()
        ]


@dataclass(frozen=True, slots=True)
class CarryOutErasure:
    """Effect `erase_tenant`: does what can be done now, and comes again until nothing is left.

    It keeps no place: each time it looks at what is there, so it goes on after a crash
    anywhere. Jobs are cancelled and deleted as their owner could, uploads called off, assets
    deleted; rows stay until no URL can write any more. The last step takes the tenant's own
    row, which no row of theirs may outlive.
    """

    store: ErasureStore
    removal: JobRemoval
    change: ChangeJob
    uploads: UploadStore
    assets: AssetStore
    objects: ObjectStore
    multiparts: MultipartStore
    clock: Clock

    async def __call__(self, effect: Effect) -> None:
        """Raise `PutOff` while something is left."""
        erasure = await self.store.get(str(effect.body["erasure"]))
        if erasure is None or erasure.tenant is None:
            return
        tenant = erasure.tenant
        await self.store.strip(tenant)
        steps = (self._cancel_jobs, self._delete_jobs, self._close_uploads)
        done = sum([await step(tenant) for step in steps])
        done += await self.store.drop_uploads(tenant, AT_ONCE)
        if done:
            raise PutOff("more may be left", after_s=0.0)
        await self._empty_prefix(tenant)
        now = self.clock.now()
        await self.store.note_quiet(erasure.id, now)
        # Costs go on under a name that says nothing, so that the books add up by customer.
        if not await self.store.finish(erasure.id, f"erased-{erasure.id}", now):
            raise PutOff("URLs still work, or what tells of it", after_s=LOOK_AGAIN_S)
        log.info("tenant.erased", extra={"erasure": erasure.id})

    async def _cancel_jobs(self, tenant: str) -> int:
        found = await self.store.open_jobs(tenant, AT_ONCE)
        for job_id in found:
            with suppress(Refused, NotFound):  # it ended meanwhile
                await self.change(f"erase-tenant:{job_id}", job_id, CancelAsked())
        return len(found)

    async def _delete_jobs(self, tenant: str) -> int:
        deleted = 0
        for job_id in await self.store.ended_jobs(tenant, AT_ONCE):
            now = self.clock.now()
            erase = effects.erase_of(job_id, at=now)
            gone = await self.removal.delete(tenant, job_id, now, erase)
            deleted += gone is Deleted.DONE
        return deleted

    async def _close_uploads(self, tenant: str) -> int:
        found = await self.store.live_uploads(tenant, AT_ONCE)
        for upload in found:
            await self._close(upload)
        return len(found)

    async def _close(self, upload: Upload) -> None:
        """Objects first: until its row says that it is closed, this is done again."""
        if upload.multipart_id is not None:
            await self.multiparts.abort(upload.key, upload.multipart_id)
        await self.objects.delete(upload.key)
        if upload.status is UploadStatus.PENDING:
            await self.uploads.abort(upload.tenant, upload.upload_id)
        elif upload.asset_id is not None:
            now = self.clock.now()
            await self.assets.delete(upload.tenant, upload.asset_id, now)

    async def _empty_prefix(self, tenant: str) -> None:
        """Remove what no row names any more; uploads of all surfaces but one lie under it."""
        while keys := await self.objects.list_keys(f"{tenant}/", None, KEYS_AT_ONCE):
            for key in keys:
                log.warning("tenant.object_unknown", extra={"key": key})
                await self.objects.delete(key)
