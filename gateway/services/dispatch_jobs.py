"""Effect `dispatch`: free slots of an endpoint go to the tenants who hold the fewest."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.effects import Effect
from gateway.core.happenings import SlotGranted
from gateway.core.lifecycle import Refused
from gateway.ports.clock import Clock
from gateway.ports.job_store import JobStore
from gateway.services.change_job import ChangeJob, NoSlot
from gateway.services.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class DispatchJobs:
    """Takes one slot at a time, each in the batch that also leaves the effect `submit`."""

    store: JobStore
    change: ChangeJob
    endpoints: Mapping[str, Endpoint]
    clock: Clock

    async def __call__(self, effect: Effect) -> None:
        """Give slots until none is free or nobody waits."""
        endpoint = self.endpoints.get(effect.body["endpoint"])
        if endpoint is None:
            return  # no longer configured: its jobs expire or are cancelled
        while job := await self.store.in_line(endpoint.name, self.clock.now()):
            try:
                await self.change(
                    f"slot:{job.id}:{job.version}",
                    job.id,
                    SlotGranted(),
                    slot_cap=endpoint.slot_cap,
                )
            except NoSlot:
                return
            except Refused:
                continue  # cancelled or claimed since it was read
