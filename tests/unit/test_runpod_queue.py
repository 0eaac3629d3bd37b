"""RunPod's queue as the emulator keeps it, on a clock moved by hand."""

from pathlib import Path
from typing import Any

import pytest

from infra.local.runpod.config import EmulatorConfig, EndpointConfig
from infra.local.runpod.faults import Fault, FaultKind, Faults
from infra.local.runpod.job_queue import JobQueue
from infra.local.runpod.rates import Rates, TooMany
from infra.local.runpod.records import BadBody, Job, Pod, RunBody, Status, parse_run_body
from infra.local.runpod.scaling import Load, workers_wanted

KEEP_S = 1800.0


class World:
    """A queue with pods p1 and p2, and what it told."""

    def __init__(self, **config: Any) -> None:
        self.now_s = 0.0
        self.faults = Faults()
        self.ended: list[str] = []
        account = EmulatorConfig(Path("unused"), "key", (), **config)
        self.queue = JobQueue(
            "gpu",
            account,
            lambda: self.now_s,
            self.faults,
            lambda: None,
            lambda job: self.ended.append(job.id),
        )
        self.pods = {name: self._pod(name) for name in ("p1", "p2")}

    def _pod(self, name: str) -> Pod:
        return self.queue.pods.setdefault(name, Pod(name, 0.0, 0.0))

    def submit(self, job_id: str = "j1", **asked: Any) -> Job:
        return self.queue.submit(RunBody({"job_id": f"ours-{job_id}"}, **asked), job_id, KEEP_S)

    def deliver(self, pod_id: str = "p1") -> list[str]:
        delivery = self.queue.offer(pod_id, 1)
        if delivery is None:
            return []
        self.queue.commit(delivery)
        return [job.id for job in delivery.jobs]

    def running(self, job_id: str = "j1", pod_id: str = "p1", **asked: Any) -> Job:
        job = self.submit(job_id, **asked)
        assert self.deliver(pod_id) == [job_id]
        return job


def test_jobs_are_delivered_in_the_order_they_came() -> None:
    world = World()
    world.submit("j1")
    world.submit("j2")

    assert world.deliver() + world.deliver() + world.deliver() == ["j1", "j2"]


def test_an_offer_that_could_not_be_written_leaves_the_job_first_in_the_queue() -> None:
    world = World()
    job = world.submit("j1")
    world.submit("j2")
    delivery = world.queue.offer("p1", 1)
    assert delivery is not None

    world.queue.give_back(delivery)

    assert job.status is Status.IN_QUEUE
    assert world.deliver("p2") == ["j1"]


def test_times_count_submission_to_delivery_to_end() -> None:
    world = World()
    job = world.submit()
    world.now_s = 1.5
    world.deliver()
    world.now_s = 4.0
    world.queue.done("p1", "j1", {"output": {"a": 1}})

    assert job.view() == {
        "id": "j1",
        "status": "COMPLETED",
        "delayTime": 1500,
        "executionTime": 2500,
        "workerId": "p1",
        "output": {"a": 1},
    }


def test_an_error_fails_and_a_false_one_does_not() -> None:
    world = World()
    failed, completed = world.running("j1"), world.running("j2")

    world.queue.done("p1", "j1", {"error": "internal: no", "output": {}})
    world.queue.done("p1", "j2", {"error": "", "output": None})

    assert (failed.status, completed.status) == (Status.FAILED, Status.COMPLETED)
    assert completed.view()["output"] is None


def test_progress_shows_and_ends_nothing() -> None:
    world = World()
    job = world.running()

    world.queue.done("p1", "j1", {"status": "IN_PROGRESS", "output": "half"})

    assert (job.view()["status"], job.view()["output"]) == ("IN_PROGRESS", "half")
    assert world.ended == []


@pytest.mark.parametrize("late", [{"output": 2}, {"status": "IN_PROGRESS", "output": 2}])
def test_what_comes_after_the_end_is_counted_and_dropped(late: dict[str, Any]) -> None:
    world = World()
    job = world.running()
    world.queue.done("p1", "j1", {"output": 1})

    world.queue.done("p1", "j1", late)
    world.queue.chunk("j1", 2)

    assert job.view()["output"] == 1
    assert world.queue.counts["late"] == 2
    assert world.ended == ["j1"]


def test_the_resurrect_knob_lets_a_late_result_win() -> None:
    world = World()
    world.faults.add(Fault(FaultKind.RESURRECT))
    job = world.running()
    world.queue.cancel(job)

    world.queue.done("p1", "j1", {"output": 2})

    assert (job.status, job.view()["output"]) == (Status.COMPLETED, 2)


def test_a_cancelled_queued_job_is_dropped_and_a_running_one_is_told_to_stop_once() -> None:
    world = World()
    running, queued = world.running("j1"), world.submit("j2")

    world.queue.cancel(running)
    world.queue.cancel(queued)

    assert world.deliver() == []
    assert world.queue.due_stops("p1") == ["j1"]
    assert world.queue.due_stops("p1") == []
    assert world.ended == ["j1", "j2"]


def test_stops_are_sent_again_where_so_configured_until_the_job_is_let_go() -> None:
    world = World(stop_sends=3)
    world.queue.cancel(world.running())

    first = world.queue.due_stops("p1")
    at_once = world.queue.due_stops("p1")
    world.now_s += 1.0
    second = world.queue.due_stops("p1")
    world.queue.done("p1", "j1", {"output": "late"})
    world.now_s += 1.0

    assert (first, at_once, second) == (["j1"], [], ["j1"])
    assert world.queue.due_stops("p1") == []


def test_a_job_cancelled_on_its_way_to_a_pod_is_stopped_there() -> None:
    world = World()
    job = world.submit()
    delivery = world.queue.offer("p1", 1)
    assert delivery is not None
    world.queue.cancel(job)

    world.queue.commit(delivery)

    assert job.status is Status.CANCELLED
    assert world.queue.due_stops("p1") == ["j1"]


def test_a_job_over_its_run_time_is_timed_out_stopped_and_its_pod_killed_after_a_grace() -> (
    None
):
    world = World(timeout_grace_s=3.0)
    job = world.submit(execution_timeout_s=5.0)
    world.now_s = 100.0  # the time in the queue does not count
    world.deliver()
    world.queue.sweep()
    early = job.status
    world.now_s = 105.0

    world.queue.sweep()

    assert (early, job.status) == (Status.IN_PROGRESS, Status.TIMED_OUT)
    assert world.queue.due_stops("p1") == ["j1"]
    assert world.pods["p1"].kill_at == 108.0


def test_a_pod_that_stops_a_timed_out_job_within_its_grace_lives_on() -> None:
    world = World(timeout_grace_s=3.0)
    world.submit("j1", execution_timeout_s=5.0)
    world.deliver()
    world.now_s = 5.0
    world.queue.sweep()

    world.queue.hear("p1", took=True, idle=True)

    assert world.pods["p1"].kill_at is None
    assert not world.queue.is_busy(world.pods["p1"])


def test_ttl_counts_from_submission_and_forgets_in_any_state() -> None:
    world = World()
    world.running("running", ttl_s=10.0, execution_timeout_s=600.0)
    world.submit("queued", ttl_s=10.0)
    world.submit("other", ttl_s=11.0)
    world.now_s = 10.0

    world.queue.sweep()

    assert list(world.queue.jobs) == ["other"]
    assert world.queue.due_stops("p1") == ["running"]
    assert world.deliver() == ["other"]


def test_a_result_is_kept_for_its_time() -> None:
    world = World()
    world.running()
    world.queue.done("p1", "j1", {"output": 1})
    world.now_s = KEEP_S - 1
    world.queue.sweep()
    kept = "j1" in world.queue.jobs
    world.now_s = KEEP_S

    world.queue.sweep()

    assert kept
    assert "j1" not in world.queue.jobs


def test_a_dead_pods_job_is_queued_again_until_it_has_died_too_often() -> None:
    world = World(max_redeliveries=1)
    job = world.running()
    world.queue.pod_died("p1")
    after_one = (job.status, job.retried)
    world.deliver("p2")

    world.queue.pod_died("p2")

    assert after_one == (Status.IN_QUEUE, 1)
    assert (job.status, job.retried) == (Status.FAILED, 1)


def test_a_job_two_pods_hold_survives_the_death_of_one() -> None:
    world = World()
    world.faults.add(Fault(FaultKind.DUPLICATE))
    job = world.running()
    world.deliver("p2")

    world.queue.pod_died("p1")

    assert (job.status, job.retried, job.holders) == (Status.IN_PROGRESS, 0, {"p2"})


def test_a_duplicate_goes_to_another_pod_or_to_the_same() -> None:
    world = World()
    world.faults.add(Fault(FaultKind.DUPLICATE, job_id="ours-j1"))
    world.faults.add(Fault(FaultKind.DUPLICATE, job_id="j2", same_pod=True))
    world.running("j1")
    first = (world.deliver("p1"), world.deliver("p2"))
    world.running("j2")
    second = (world.deliver("p2"), world.deliver("p1"))

    assert (first, second) == (([], ["j1"]), ([], ["j2"]))


def test_a_retiring_pod_gets_nothing_but_by_a_fault() -> None:
    world = World()
    world.submit()
    world.pods["p1"].retiring = True
    without = world.deliver()
    world.faults.add(Fault(FaultKind.LATE_DELIVERY))

    assert (without, world.deliver()) == ([], ["j1"])


def test_a_slow_queue_holds_a_job_back() -> None:
    world = World()
    world.faults.add(Fault(FaultKind.SLOW_QUEUE, delay_s=30.0))
    world.submit()
    early = world.deliver()
    world.now_s = 30.0

    assert (early, world.deliver()) == ([], ["j1"])


def test_a_pod_that_says_it_is_idle_holds_what_has_ended_no_more() -> None:
    world = World()
    pod = world.pods["p1"]
    world.queue.cancel(world.running("j1"))
    lost = world.running("j2")

    world.queue.hear("p1", took=True, idle=True)

    assert pod.jobs == {"j2"}  # its result was lost: the platform still sees it at work
    assert world.queue.is_busy(pod)
    assert lost.status is Status.IN_PROGRESS


def test_retry_is_for_what_failed() -> None:
    world = World()
    job = world.running()
    with pytest.raises(BadBody):
        world.queue.retry(job)
    world.queue.done("p1", "j1", {"error": "no"})

    world.queue.retry(job)

    assert job.view() == {"id": "j1", "status": "IN_QUEUE"}
    assert world.deliver("p2") == ["j1"]


def test_purge_takes_what_is_queued() -> None:
    world = World()
    running = world.running("j1")
    world.submit("j2")

    assert world.queue.purge() == 1
    assert running.status is Status.IN_PROGRESS
    assert world.deliver() == []


def test_faults_come_as_often_as_planned_and_alike_for_one_seed() -> None:
    def chances(seed: int) -> list[bool]:
        faults = Faults(seed, [Fault(FaultKind.KILL_WORKER, count=None, probability=0.5)])
        return [faults.take(FaultKind.KILL_WORKER, "gpu") is not None for _ in range(64)]

    counted = Faults(planned=[Fault(FaultKind.LOSE_DONE, count=3, endpoint="gpu")])
    taken = [counted.take(FaultKind.LOSE_DONE, "gpu") is not None for _ in range(5)]

    assert taken == [True, True, True, False, False]
    assert counted.fired[FaultKind.LOSE_DONE] == 3
    assert counted.take(FaultKind.LOSE_DONE, "cpu") is None
    assert chances(1) == chances(1) != chances(2)
    assert 16 < sum(chances(1)) < 48


def test_a_routes_rate_is_that_of_the_last_ten_seconds() -> None:
    now_s = [0.0]
    rates = Rates(lambda: now_s[0])

    def call() -> None:
        with rates.admit("purge-queue"):
            pass

    call()
    call()
    with pytest.raises(TooMany):
        call()
    now_s[0] = 10.0
    call()


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"input": 5}',
        b'{"input": {"x": NaN}}',
        b'{"input": {}, "policy": {"executionTimeout": 4999}}',
        b'{"input": {}, "policy": {"executionTimeout": 5000.5}}',
        b'{"input": {}, "policy": {"ttl": 9999}}',
        b'{"input": {}, "policy": {"ttl": 604800001}}',
        b'{"input": {}, "policy": 5}',
        b'{"input": {}, "webhook": 5}',
    ],
)
def test_a_body_of_run_that_does_not_do_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody):
        parse_run_body(body)


@pytest.mark.parametrize(
    ("load", "scaling", "wanted"),
    [
        (Load(queued=0, overdue=0, running=0, workers=0, starting=0), "queue_delay", 0),
        (Load(queued=1, overdue=0, running=0, workers=0, starting=0), "queue_delay", 1),
        (Load(queued=5, overdue=0, running=1, workers=1, starting=0), "queue_delay", 1),
        (Load(queued=5, overdue=2, running=1, workers=1, starting=0), "queue_delay", 3),
        (Load(queued=5, overdue=2, running=1, workers=3, starting=2), "queue_delay", 3),
        (Load(queued=50, overdue=50, running=1, workers=1, starting=0), "queue_delay", 10),
        (Load(queued=5, overdue=0, running=4, workers=1, starting=0), "request_count", 3),
        (Load(queued=0, overdue=0, running=0, workers=2, starting=0), "request_count", 2),
    ],
)
def test_workers_are_wanted_by_wait_or_by_count(load: Load, scaling: Any, wanted: int) -> None:
    config = EndpointConfig("gpu", max_workers=10, scaling=scaling, jobs_per_worker=4)

    assert workers_wanted(load, config) == wanted


def test_no_more_and_no_fewer_workers_than_configured() -> None:
    none = Load(queued=0, overdue=0, running=0, workers=0, starting=0)
    many = Load(queued=99, overdue=99, running=0, workers=1, starting=0)
    config = EndpointConfig("gpu", min_workers=2, max_workers=3)

    assert (workers_wanted(none, config), workers_wanted(many, config)) == (2, 3)
