"""When workers start and end, with processes that only pretend."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.runpod.config import EmulatorConfig, EndpointConfig
from infra.local.runpod.endpoint import Endpoint
from infra.local.runpod.faults import Fault, FaultKind, Faults
from infra.local.runpod.fleet import Fleet, WorkerState
from infra.local.runpod.records import RunBody, Status
from infra.local.runpod.supervisor import SpawnOrder


@dataclass
class PretendPopen:
    returncode: int | None = None


@dataclass
class PretendProcess:
    pid: int
    log_path: Path
    popen: PretendPopen = field(default_factory=PretendPopen)
    dead: bool = False
    told: list[str] = field(default_factory=list)


class PretendSupervisor:
    """Starts nothing; keeps what it was told."""

    def __init__(self) -> None:
        self.run_folder = Path("unused")
        self.orders: list[SpawnOrder] = []
        self.started: list[PretendProcess] = []

    def spawn(self, order: SpawnOrder) -> PretendProcess:
        self.orders.append(order)
        self.started.append(PretendProcess(len(self.orders), order.folder / "worker.log"))
        return self.started[-1]

    def is_dead(self, process: PretendProcess) -> bool:
        return process.dead

    def tell_to_end(self, process: PretendProcess) -> None:
        process.told.append("end")

    def kill_main(self, process: PretendProcess) -> None:
        process.told.append("kill")
        process.dead = True

    def bury(self, process: PretendProcess) -> None:
        process.told.append("bury")


class World:
    """One endpoint's fleet on a clock moved by hand."""

    def __init__(self, *, account: dict[str, Any] | None = None, **endpoint: Any) -> None:
        self.now_s = 0.0
        self.faults = Faults()
        self.supervisor = PretendSupervisor()
        config = EndpointConfig("gpu", **endpoint)
        settings = EmulatorConfig(Path("unused"), "key", (config,), **(account or {}))
        self.endpoint = Endpoint(config, settings, lambda: self.now_s, self.faults)
        self.queue = self.endpoint.queue
        ids = itertools.count(1)
        self.fleet = Fleet(
            self.endpoint,
            settings,
            self.supervisor,  # type: ignore[arg-type]  # it pretends
            lambda: self.now_s,
            lambda: f"pod-{next(ids)}",
            "worker-key",
        )

    async def at(self, now_s: float) -> "World":
        self.now_s = now_s
        await self.fleet.tick("http://127.0.0.1:9")
        return self

    def submit(self, job_id: str) -> None:
        self.queue.submit(RunBody({}), job_id, 1800.0)

    def take(self, pod_id: str) -> None:
        self.queue.hear(pod_id, took=True, idle=True)
        delivery = self.queue.offer(pod_id, 1)
        if delivery is not None:
            self.queue.commit(delivery)

    def states(self) -> dict[str, WorkerState]:
        return {view.pod_id: view.state for view in self.fleet.views()}


async def test_the_first_job_starts_a_worker_and_an_overdue_one_another() -> None:
    world = World(max_workers=2, queue_delay_s=4.0)
    world.submit("j1")
    await world.at(0.0)
    world.take("pod-1")
    world.submit("j2")
    await world.at(3.9)
    before = len(world.supervisor.started)

    await world.at(4.0)

    assert (before, len(world.supervisor.started)) == (1, 2)


async def test_an_idle_worker_is_told_to_end_then_killed_and_buried() -> None:
    world = World(idle_s=5.0, account={"stop_grace_s": 10.0})
    world.submit("j1")
    await world.at(0.0)
    world.take("pod-1")
    world.queue.done("pod-1", "j1", {"output": 1})
    await world.at(1.0)
    await world.at(6.0)
    retiring = world.states()
    await world.at(6.1)
    (process,) = world.supervisor.started
    told = list(process.told)
    await world.at(16.1)
    await world.at(16.2)

    assert retiring == {"pod-1": WorkerState.RETIRING}
    assert told == ["end"]
    assert process.told == ["end", "kill", "bury"]
    assert world.states() == {}
    assert world.queue.pods == {}


async def test_the_least_number_of_workers_stays() -> None:
    world = World(min_workers=1, idle_s=5.0)
    await world.at(0.0)
    world.take("pod-1")

    await world.at(1.0)
    await world.at(1000.0 - 1)

    assert "end" not in world.supervisor.started[0].told


async def test_a_dead_workers_job_goes_to_its_replacement() -> None:
    world = World()
    world.submit("j1")
    await world.at(0.0)
    world.take("pod-1")
    world.supervisor.started[0].dead = True

    await world.at(1.0)
    await world.at(2.0)
    world.take("pod-2")

    job = world.queue.jobs["j1"]
    assert (job.status, job.pod_id, job.retried) == (Status.IN_PROGRESS, "pod-2", 1)


async def test_a_silent_worker_is_killed_and_a_pinging_one_is_not() -> None:
    world = World(min_workers=2, max_workers=2, account={"ping_every_s": 10, "silent_pings": 4})
    await world.at(0.0)
    world.take("pod-1")
    world.take("pod-2")
    world.now_s = 35.0
    world.queue.hear("pod-2")

    await world.at(40.0)

    silent, pinging = world.supervisor.started
    assert (silent.told, pinging.told) == (["kill"], [])


async def test_a_cold_start_is_waited_for() -> None:
    world = World(cold_start_s=20.0)
    world.faults.add(Fault(FaultKind.COLD_START, delay_s=5.0))
    world.submit("j1")
    await world.at(0.0)
    await world.at(24.9)
    before = (len(world.supervisor.started), world.states())

    await world.at(25.0)

    assert before == (0, {"pod-1": WorkerState.STARTING})
    assert len(world.supervisor.started) == 1


async def test_a_worker_that_dies_before_its_first_take_is_started_ever_more_slowly() -> None:
    world = World()
    world.faults.add(Fault(FaultKind.BOOT_LOOP, count=None))
    world.submit("j1")

    for tenth in range(200):
        await world.at(tenth / 10)

    assert len(world.supervisor.started) == 5  # at about 0, 1, 3, 7 and 15 s
    assert world.queue.jobs["j1"].status is Status.IN_QUEUE
    assert world.queue.jobs["j1"].retried == 0


async def test_stop_pod_replaces_the_worker() -> None:
    world = World(account={"stop_grace_s": 0.0})
    world.submit("j1")
    world.submit("j2")
    await world.at(0.0)
    world.take("pod-1")
    world.queue.done("pod-1", "j1", {"output": 1, "stopPod": True})

    for second in range(1, 5):
        await world.at(float(second))
    world.take("pod-2")

    assert world.supervisor.started[0].told == ["end", "kill", "bury"]
    assert world.queue.jobs["j2"].pod_id == "pod-2"


async def test_a_closed_fleet_ends_what_runs_and_starts_nothing() -> None:
    world = World(cold_start_s=1.0, max_workers=2, queue_delay_s=0.5)
    world.submit("j1")
    await world.at(0.0)
    await world.at(1.0)
    world.submit("j2")
    await world.at(1.5)  # a second one is planned and not yet started

    world.fleet.close()
    await world.at(2.6)
    world.supervisor.started[0].dead = True
    await world.at(2.7)

    assert len(world.supervisor.started) == 1
    assert world.supervisor.started[0].told == ["end", "bury"]
    assert world.fleet.is_closed


async def test_a_worker_is_told_nothing_by_its_environment_but_what_it_needs() -> None:
    world = World(min_workers=1, gpu="NVIDIA L4", env=(("CUTROOM_WORKER_COMPUTE", "gpu"),))

    await world.at(0.0)

    env = world.supervisor.orders[0].env
    root = "http://127.0.0.1:9/v2/gpu"
    assert env["RUNPOD_WEBHOOK_GET_JOB"] == f"{root}/job-take/$ID?gpu=NVIDIA%20L4"
    assert env["RUNPOD_POD_ID"] == "pod-1"
    assert {name for name in env if not name.startswith("RUNPOD_")} == {
        "PATH",
        "LANG",
        "PYTHONUNBUFFERED",
        "CUTROOM_WORKER_COMPUTE",
    }
    assert str(world.fleet.views()[0].price_usd_per_s) == "0.00019"
