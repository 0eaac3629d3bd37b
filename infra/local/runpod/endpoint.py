"""One emulated endpoint: its configuration, queue, limits and waiting callers."""

from collections import deque
from collections.abc import Callable

from infra.local.runpod.config import EmulatorConfig, EndpointConfig
from infra.local.runpod.faults import Faults
from infra.local.runpod.job_queue import JobQueue
from infra.local.runpod.polling import Bell
from infra.local.runpod.rates import Rates
from infra.local.runpod.records import Job


class Endpoint:
    """What the API, the worker protocol and the fleet share of one endpoint."""

    def __init__(
        self,
        config: EndpointConfig,
        account: EmulatorConfig,
        clock: Callable[[], float],
        faults: Faults,
    ) -> None:
        self.config = config
        self.name = config.name
        self.faults = faults
        self.bell = Bell()
        self.rates = Rates(clock)
        self.ended: deque[Job] = deque()  # those whose webhook is still to be told
        self.queue = JobQueue(
            config.name, account, clock, faults, self.bell.ring, self._note_end
        )

    def _note_end(self, job: Job) -> None:
        if job.asked.webhook is not None:
            self.ended.append(job)
