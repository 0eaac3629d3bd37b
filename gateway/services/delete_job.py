"""Use case: the owner wants an ended job gone, and the effect that makes it so."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core import effects
from gateway.core.effects import SWEEP_MARGIN_S, URL_MARGIN_S, Effect
from gateway.core.job import Job, no_such_job
from gateway.ports.asset_store import AssetStore
from gateway.ports.attempt_log import AttemptLog, Grant
from gateway.ports.clock import Clock
from gateway.ports.delivery_removal import DeliveryRemoval
from gateway.ports.effect_queue import EffectQueue
from gateway.ports.job_removal import Deleted, JobRemoval
from gateway.ports.job_reuse import JobReuse
from gateway.ports.job_store import JobStore
from gateway.ports.object_store import ObjectStore
from gateway.services.export_inputs import KEPT_FOR
from gateway.services.perform_effects import PutOff
from shared.errors import Conflict

KEYS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class DeleteJob:
    """From its commit on the job is nobody's; rows and objects follow by an effect."""

    store: JobStore
    removal: JobRemoval
    clock: Clock
    wake: Callable[[], None]

    async def __call__(self, tenant: str, job_id: str) -> None:
        """Delete the job.

        Raises `NotFound`, also when it was deleted before, or `Conflict`: `still_running`
        before its end, `asset_in_use` while an unfinished job reads one of its outputs.
        """
        job = await self.store.get(job_id, tenant=tenant)
        if job is None:
            raise no_such_job(f"no job {job_id} of {tenant}")
        now = self.clock.now()
        match await self.removal.delete(tenant, job_id, now, effects.erase(job, at=now)):
            case Deleted.MISSING:
                raise no_such_job(f"no job {job_id} of {tenant}")
            case Deleted.UNFINISHED:
                raise Conflict(
                    f"job {job_id} has not ended",
                    public="The job has not ended. Cancel it first.",
                    code="still_running",
                )
            case Deleted.IN_USE:
                raise Conflict(
                    f"job {job_id} is read by another",
                    public="An unfinished job uses an output of this one. Cancel it, or wait.",
                    code="asset_in_use",
                )
            case Deleted.DONE:
                self.wake()


@dataclass(frozen=True, slots=True)
class EraseJob:
    """Effect `erase`: removes objects at once, and again with the rows when no URL works.

    A worker that has not heard of the end may put until its URLs expire; its last word may
    still come for the bill, and RunPod may still have to be told. So the rows wait for the
    URLs, and for all else that is to be done about the job. An input that was put for this
    job goes some time after it, unless something else has taken it up. What another job that
    is there has for its outputs stays, and goes with the last that names it.
    """

    store: JobStore
    reuse: JobReuse
    removal: JobRemoval
    attempts: AttemptLog
    objects: ObjectStore
    queue: EffectQueue
    assets: AssetStore
    deliveries: DeliveryRemoval
    clock: Clock

    async def __call__(self, effect: Effect) -> None:
        """Remove what is there; put off what must wait."""
        job = await self.store.get(effect.job_id or "")
        if job is None:
            return
        grants = [
            grant
            for attempt in await self.attempts.attempts(job.id)
            for grant in await self.attempts.grants(job.id, attempt.fence)
        ]
        published = {each.key for each in job.outputs}
        shared = published if await self.reuse.shares_outputs(job) else set()
        for key in (published | {each.key for each in grants}) - shared:
            await self.objects.delete(key)
        left_s = (_last_url(job, grants) - self.clock.now()).total_seconds()
        if left_s > 0:
            raise PutOff("its URLs still work", after_s=left_s)
        if await self.queue.others_undone(effect):
            raise PutOff("something else is still to be done about it")
        if not await self.deliveries.forget_event(effects.end_id(job.id)):
            raise PutOff("its end is still to be told")
        await self._empty_prefix(job, shared)
        read = sorted({file.asset_id for file in job.files if file.asset_id})
        await self.assets.reconsider(read, self.clock.now() + KEPT_FOR)
        await self.removal.erase(job.id)

    async def _empty_prefix(self, job: Job, shared: set[str]) -> None:
        """Look once into the bucket itself, for what an attempt put and no row names."""
        if not (job.fence or job.fence_floor):
            return
        for key in await self.objects.list_keys(f"output/{job.id}/", None, KEYS_AT_ONCE):
            if key not in shared:
                await self.objects.delete(key)


def _last_url(job: Job, grants: list[Grant]) -> datetime:
    """Return when the last URL of any attempt has surely expired.

    By the newest attempt's deadline too: a grant may be written as its job ends.
    """
    ends = [each.expires_at for each in grants]
    if job.attempt_deadline_at is not None:
        ends.append(job.attempt_deadline_at + timedelta(seconds=URL_MARGIN_S))
    margin = timedelta(seconds=SWEEP_MARGIN_S)
    return max((end + margin for end in ends), default=job.created_at)
