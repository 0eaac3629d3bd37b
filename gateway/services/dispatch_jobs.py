"""Effect `dispatch`: free slots of an endpoint go to the tenants who hold the fewest."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.decision import Refused
from gateway.core.effects import Effect
from gateway.core.happenings import SlotGranted
from gateway.core.job import Job
from gateway.ports.clock import Clock
from gateway.ports.job_line import JobLine
from gateway.services.change_job import ChangeJob, NoSlot
from gateway.services.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class DispatchJobs:
    """Takes one slot at a time, each in the batch that also leaves the effect `submit`.

    `kind_caps`: how many jobs of a kind may hold a slot of one endpoint; all, unless said.
    """

    line: JobLine
    change: ChangeJob
    endpoints: Mapping[str, Endpoint]
    clock: Clock
    kind_caps: Mapping[str, int]

    async def __call__(self, effect: Effect) -> None:
        """Give slots until none is free or nobody waits."""
        endpoint = self.endpoints.get(effect.body["endpoint"])
        if endpoint is None:
            return  # no longer configured: its jobs expire or are cancelled
        while job := await self._next(endpoint):
            try:
                await self.change(
                    f"slot:{job.id}:{job.version}",
                    job.id,
                    SlotGranted(),
                    slot_cap=endpoint.slot_cap,
                    kind_cap=self.kind_caps.get(job.kind),
                )
            except NoSlot:
                return
            except Refused:
                continue  # cancelled or claimed since it was read

    async def _next(self, endpoint: Endpoint) -> Job | None:
        return await self.line.in_line(endpoint.name, self.clock.now(), self.kind_caps)
