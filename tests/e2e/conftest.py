"""A whole local stack with real worker processes, one for each file of tests."""

import asyncio
import fcntl
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio

from client.cutroom import Cutroom
from client.models import Event, Job
from infra.local.runpod.faults import Fault, FaultKind
from infra.local.stack.config import BUCKET, StackConfig
from infra.local.stack.local_stack import LocalStack
from tests.support.held_renders import HeldRender, held_render

SAMPLE = Path("infra/local/samples/car-detection.mp4")
# Impatient, so that what is lost is lost within seconds; workers beat every 3 s.
IMPATIENT = {
    "CUTROOM_TIMINGS_SUSPECT_AFTER_S": "4",
    "CUTROOM_TIMINGS_LOST_AFTER_S": "10",
    "CUTROOM_TIMINGS_EFFECT_LEASE_S": "6",
    "CUTROOM_TIMINGS_TICK_S": "0.5",
}
# Half a minute where nothing else runs; others do, and a test may take no more than 300 s.
COMPILED_WITHIN_S = 240
# Rendered for long enough to be caught at it at the first try, as a rule.
CATCHABLE = {"end_time": 5, "output_width": 360, "output_height": 640}
SMALL = {"output_width": 180, "output_height": 320}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tried:
    """The stack, a client of the first tenant, and the sample as an asset."""

    stack: LocalStack
    cutroom: Cutroom
    asset_id: str

    async def call(self, work: Callable[..., T], *args: Any, **named: Any) -> T:
        """Call the blocking client beside the loop that serves it."""
        return await asyncio.to_thread(partial(work, *args, **named))

    def framing(self, **fields: Any) -> dict[str, Any]:
        """The input of a small framing of the sample's first 2 s, unless said."""
        given = {"source": {"asset_id": self.asset_id}, "crop_keyframes": [], "end_time": 2}
        return {**given, **SMALL, **fields}

    async def submit(self, **fields: Any) -> str:
        job = await self.call(self.cutroom.submit, "export.framing", self.framing(**fields))
        return job.id

    async def until(self, job_id: str, *types: str) -> Event:
        """Return the first event of one of these types."""

        def first() -> Event:
            events = self.cutroom.events(job_id)
            return next(event for event in events if event.type in types)

        return await self.call(first)

    async def ended(self, job_id: str) -> tuple[Job, list[str]]:
        """Return the finished job and the types of all its events."""
        events = await self.call(lambda: list(self.cutroom.events(job_id)))
        assert [event.seq for event in events] == list(range(len(events)))
        return await self.call(self.cutroom.job, job_id), [event.type for event in events]

    @asynccontextmanager
    async def held(self) -> AsyncIterator[HeldRender]:
        """Have a job that stays in the middle of its render for as long as the block lasts."""
        async with held_render(self.stack, partial(self.submit, **CATCHABLE)) as render:
            yield render

    def fault(self, **fields: Any) -> None:
        """Let something go wrong at RunPod, after whatever went wrong before is over."""
        self.stack.emulator.faults.clear()
        self.stack.emulator.faults.add(Fault(**fields))

    async def submitted_while(self, kind: FaultKind) -> str:
        """Return a job whose submission is on its way to RunPod, where this goes wrong."""
        fired = self.stack.emulator.faults.fired
        fired.clear()
        job_id = await self.submit()
        async with asyncio.timeout(60):
            while not fired[kind]:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
        return job_id

    async def until_spent(self) -> None:
        """Return once what was to go wrong at the store has done so."""
        async with asyncio.timeout(60):
            while not self.stack.object_faults.spent:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)

    async def kill_gateways(self) -> None:
        """Let all of them lose power at once."""
        await asyncio.gather(*(each.kill() for each in self.stack.gateways))

    async def start_gateways(self) -> None:
        """Start all of them again, where they were."""
        await asyncio.gather(*(each.restart() for each in self.stack.gateways))

    async def published(self) -> list[str]:
        """Return every key under `output/`, manifests and leftovers too."""
        return await self.keys("output/")

    async def keys(self, prefix: str) -> list[str]:
        """Return every key in the bucket that begins so."""
        bucket = self.stack.objects.buckets[BUCKET]
        records = await asyncio.to_thread(lambda: list(bucket.records()))
        return sorted(each.key for each in records if each.key.startswith(prefix))


async def expect_one_success(
    tried: Tried, job_id: str, *, attempt: int = 1
) -> tuple[Job, list[str]]:
    """The job succeeded in this attempt, told so once, and published one object."""
    job, events = await tried.ended(job_id)
    assert (job.status, job.attempt) == ("succeeded", attempt)
    assert events.count("succeeded") == 1
    assert events.count("started") == attempt
    assert events.count("requeued") == attempt - 1
    assert [each.name for each in job.outputs] == ["video"]
    return job, events


@pytest.fixture(scope="session")
def kernel_cache(request: pytest.FixtureRequest) -> Path:
    """Compiled kernels, kept from one stack to the next and from run to run."""
    assert request.config.cache is not None
    folder = request.config.cache.mkdir("kernels")
    with Path(folder, "compiling").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # else every worker of every stack compiles them
        subprocess.run(
            [sys.executable, "-c", "from gpu_worker.media import warm; warm.compile_kernels()"],
            env=os.environ | {"NUMBA_CACHE_DIR": str(folder)},
            check=True,
            timeout=COMPILED_WITHIN_S,
        )
    return folder


@pytest.fixture(scope="module")
def stack_config(kernel_cache: Path) -> StackConfig:
    """What the file's stack is made of; a file that needs more of something says so."""
    return StackConfig(
        workers=1,
        warm_workers=1,
        second_tenant=False,
        poll_hold_s=1.0,
        settings=IMPATIENT,
        kernel_cache=kernel_cache,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tried(
    tmp_path_factory: pytest.TempPathFactory, stack_config: StackConfig
) -> AsyncIterator[Tried]:
    """Everything running, with the sample uploaded."""
    data = tmp_path_factory.mktemp("stack")
    async with LocalStack(data, stack_config) as stack:
        with Cutroom(stack.base_url, stack.api_key) as cutroom:
            asset = await asyncio.to_thread(cutroom.upload, SAMPLE)
            yield Tried(stack, cutroom, asset.asset_id)
