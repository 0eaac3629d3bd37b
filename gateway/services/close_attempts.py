"""Effects `settle` and `sweep`: what an ended attempt cost, and what it left behind."""

from dataclasses import dataclass, field

from gateway.core.effects import SWEEP_MARGIN_S, Effect
from gateway.core.figures import JobFigures
from gateway.core.job import Job
from gateway.core.object_keys import fence_of
from gateway.core.pricing import settled_micro_usd
from gateway.ports.attempt_log import AttemptLog
from gateway.ports.clock import Clock
from gateway.ports.job_store import JobStore
from gateway.ports.object_store import ObjectStore
from gateway.services.perform_effects import PutOff

KEYS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class SettleAttempt:
    """Replaces an attempt's reserve by its time from claim to end."""

    store: JobStore
    attempts: AttemptLog
    clock: Clock
    figures: JobFigures = field(default_factory=JobFigures)

    async def __call__(self, effect: Effect) -> None:
        """Settle once; a reserve nobody claimed is released."""
        job = await self.store.get(effect.job_id or "")
        if job is None:
            return  # deleted and erased since
        fence = int(effect.body["fence"])
        known = await self.attempts.attempts(job.id)
        attempt = next((each for each in known if each.fence == fence), None)
        now = self.clock.now()
        if attempt is None:
            await self.attempts.settle(job.id, fence, None, now)
            return
        if attempt.ended_at is None:
            raise PutOff("the attempt has not ended")
        used = settled_micro_usd(job.rate_micro_usd_per_s, attempt.claimed_at, attempt.ended_at)
        # Past its limit RunPod ends it, however late we hear: the reserve was the worst case.
        used = min(used, job.reserve_micro_usd)
        await self.attempts.settle(job.id, fence, used, now)
        self.figures.settled(job.kind, used)


@dataclass(frozen=True, slots=True)
class SweepAttempt:
    """Removes what an attempt put and no succeeded job names, its manifest included."""

    store: JobStore
    attempts: AttemptLog
    objects: ObjectStore
    clock: Clock

    async def __call__(self, effect: Effect) -> None:
        """Wait for the attempt's last URL to expire, then delete what is not published."""
        job = await self.store.get(effect.job_id or "")
        if job is None:
            return  # deleted and erased since
        fence = int(effect.body["fence"])
        granted = await self.attempts.grants(job.id, fence)
        published = {output.key for output in job.outputs}
        if job.fence_floor:
            await self._sweep_unknown(job, published)
        if not granted:
            return
        last = max(each.expires_at for each in granted)
        left_s = (last - self.clock.now()).total_seconds() + SWEEP_MARGIN_S
        if left_s > 0:
            raise PutOff("its URLs still work", after_s=left_s)
        for grant in granted:
            if grant.key not in published:
                await self.objects.delete(grant.key)
        await self.attempts.drop_grants(job.id, fence)

    async def _sweep_unknown(self, job: Job, published: set[str]) -> None:
        """Remove what attempts have put that a restored database knows nothing of."""
        known = {each.fence for each in await self.attempts.attempts(job.id)}
        for key in await self.objects.list_keys(f"output/{job.id}/", None, KEYS_AT_ONCE):
            if fence_of(key) not in known and key not in published:
                await self.objects.delete(key)
