"""RunPod's own webhooks: the status record, posted when a job ends; no more than a hint."""

import asyncio
import logging

import httpx

from infra.local.runpod.config import EmulatorConfig
from infra.local.runpod.endpoint import Endpoint
from infra.local.runpod.faults import FaultKind
from infra.local.runpod.records import Job

log = logging.getLogger(__name__)

TIMEOUT_S = 5.0


class Webhooks:
    """Posts what has ended, each in a task of its own, until `aclose`."""

    def __init__(self, config: EmulatorConfig) -> None:
        self._config = config
        self._client: httpx.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def send_due(self, endpoint: Endpoint) -> None:
        """Begin to tell about every job that has ended since the last call."""
        while endpoint.ended:
            job = endpoint.ended.popleft()
            for _ in range(self._copies(endpoint, job)):
                task = asyncio.create_task(self._tell(job))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Give up on what is still to be told."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _copies(self, endpoint: Endpoint, job: Job) -> int:
        if endpoint.faults.take(FaultKind.LOSE_WEBHOOK, endpoint.name, *job.names):
            return 0
        twice = endpoint.faults.take(FaultKind.DOUBLE_WEBHOOK, endpoint.name, *job.names)
        return 2 if twice else 1

    async def _tell(self, job: Job) -> None:
        body, url = job.view(), job.asked.webhook or ""
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False)
        for _ in range(self._config.webhook_tries):
            try:
                answer = await self._client.post(url, json=body)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                log.info("webhook.failed", extra={"job": job.id, "why": type(error).__name__})
            else:
                if answer.status_code == 200:
                    return
            await asyncio.sleep(self._config.webhook_retry_s)
