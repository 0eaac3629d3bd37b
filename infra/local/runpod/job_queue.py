"""One endpoint's queue as RunPod keeps it: no I/O, and no clock but the one it is given."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.local.runpod import facts
from infra.local.runpod.config import EmulatorConfig
from infra.local.runpod.faults import FaultKind, Faults
from infra.local.runpod.records import BadBody, Job, Pod, RunBody, Status, Stop

# A repeated stop waits for the task it is to find: the SDK starts one 0.1 s after delivery.
RESEND_STOP_S = 1.0


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right of a job to one delivery; a duplicate is one more, whatever became of it."""

    job_id: str
    not_before: float
    only_pod: str | None = None
    not_pod: str | None = None
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """Jobs on their way to a pod: `commit` once they were written, else `give_back`."""

    pod_id: str
    tickets: tuple[Ticket, ...]
    jobs: tuple[Job, ...]


class JobQueue:
    """The jobs of one endpoint and the pods that work on them.

    `on_change` is called when somebody who waits may find something; `on_final` with each
    job that has just ended.
    """

    def __init__(
        self,
        endpoint: str,
        config: EmulatorConfig,
        clock: Callable[[], float],
        faults: Faults,
        on_change: Callable[[], None],
        on_final: Callable[[Job], None],
    ) -> None:
        self.jobs: dict[str, Job] = {}
        self.pods: dict[str, Pod] = {}
        self.counts: Counter[str] = Counter()
        self._endpoint = endpoint
        self._config = config
        self._clock = clock
        self._faults = faults
        self._on_change = on_change
        self._on_final = on_final
        self._tickets: deque[Ticket] = deque()

    # -- the client's side -------------------------------------------------------

    def submit(self, asked: RunBody, job_id: str, keep_result_s: float) -> Job:
        """Queue a new job."""
        job = Job(job_id, asked, self._clock(), keep_result_s)
        self.jobs[job_id] = job
        slow = self._faults.take(FaultKind.SLOW_QUEUE, self._endpoint, *job.names)
        self._queue(job, after_s=slow.delay_s if slow else 0.0)
        return job

    def cancel(self, job: Job) -> None:
        """End a job at once; a pod that holds it is told."""
        if not job.is_final:
            self._end(job, Status.CANCELLED)
            self._stop_holders(job)

    def retry(self, job: Job) -> None:
        """Queue a failed job again. Raises `BadBody` for any other."""
        if job.status not in (Status.FAILED, Status.TIMED_OUT):
            raise BadBody("only a failed or timed out job can be retried")
        job.move(Status.IN_QUEUE)
        job.result, job.chunks = {}, []
        job.delivered_at = job.finished_at = job.pod_id = None
        self._queue(job)

    def purge(self) -> int:
        """Cancel what is queued and return how many that were."""
        queued = [job for job in self.jobs.values() if job.status is Status.IN_QUEUE]
        for job in queued:
            self.cancel(job)
        return len(queued)

    def forget(self, job_id: str) -> None:
        """Drop a job's record; a pod that holds it is told to stop."""
        job = self.jobs.pop(job_id, None)
        if job is not None and not job.is_final:
            self._stop_holders(job)

    # -- the worker's side -------------------------------------------------------

    def offer(self, pod_id: str, at_most: int) -> Delivery | None:
        """Return jobs to write to a pod, taken off the queue, or None while there are none."""
        pod = self.pods.get(pod_id)
        if pod is None:
            return None
        self._tickets = deque(each for each in self._tickets if not self._is_void(each))
        chosen = [each for each in self._tickets if self._is_for(each, pod_id)][:at_most]
        if not chosen or (pod.retiring and not self._late_delivery()):
            return None
        for ticket in chosen:
            self._tickets.remove(ticket)
        return Delivery(pod_id, tuple(chosen), tuple(self.jobs[t.job_id] for t in chosen))

    def commit(self, delivery: Delivery) -> None:
        """The pod has the jobs."""
        for ticket, job in zip(delivery.tickets, delivery.jobs, strict=True):
            self._hand_over(ticket, job, delivery.pod_id)
        self._on_change()

    def give_back(self, delivery: Delivery) -> None:
        """The pod's connection was gone: the jobs wait again, first in the queue."""
        self._tickets.extendleft(reversed(delivery.tickets))
        self.counts["undelivered"] += len(delivery.tickets)
        self._on_change()

    def done(self, pod_id: str, job_id: str, body: dict[str, Any]) -> None:
        """Take a pod's result or progress; one that comes too late is counted and dropped."""
        pod, job = self.pods.get(pod_id), self.jobs.get(job_id)
        if pod is not None and body.get("stopPod") is True:
            pod.retiring = True
        progress = body.get("status") == Status.IN_PROGRESS
        if job is None or self._is_late(job):
            self.counts["late"] += 1
        elif progress:
            job.result = {"output": body.get("output")}
        else:
            failed = bool(body.get("error"))
            job.result = {key: body[key] for key in ("output", "error") if key in body}
            self._end(job, Status.FAILED if failed else Status.COMPLETED, pod_id)
        if not progress:
            self._let_go(pod_id, job_id)
        self._on_change()

    def chunk(self, job_id: str, output: Any) -> None:
        """Take one streamed chunk; one that comes too late is counted and dropped."""
        job = self.jobs.get(job_id)
        if job is None or self._is_late(job):
            self.counts["late"] += 1
            return
        job.chunks.append(output)
        self._on_change()

    def due_stops(self, pod_id: str) -> list[str]:
        """Return the jobs a pod is to end, each as often as the configuration sends it."""
        pod = self.pods.get(pod_id)
        if pod is None:
            return []
        now = self._clock()
        due = [stop for stop in pod.stops if stop.due_at <= now]
        for stop in due:
            stop.sends_left -= 1
            stop.due_at = now + RESEND_STOP_S
        pod.stops = [stop for stop in pod.stops if stop.sends_left > 0]
        return [stop.job_id for stop in due]

    def hear(self, pod_id: str, *, took: bool = False, idle: bool = False) -> None:
        """Note a ping or a take of a pod. `idle`: it says that it works on nothing."""
        pod = self.pods.get(pod_id)
        if pod is None:
            return
        pod.heard_at = self._clock()
        if took:
            pod.took_at = pod.heard_at
        if idle:
            # A stopped task posts nothing: this is how its end is seen.
            ended = {each for each in pod.jobs if self._has_ended(each)}
            for job_id in ended:
                self._let_go(pod_id, job_id)

    def pod_died(self, pod_id: str) -> None:
        """Forget a pod; what it alone held is queued again, until it has died too often."""
        pod = self.pods.pop(pod_id, None)
        for job_id in sorted(pod.jobs) if pod else ():
            job = self.jobs.get(job_id)
            if job is None:
                continue
            job.holders.discard(pod_id)
            if job.status is Status.IN_PROGRESS and not job.holders:
                self._deliver_again(job)
        self._on_change()

    # -- time ----------------------------------------------------------------------

    def sweep(self) -> None:
        """Let time-outs, ttl and retention take what is theirs."""
        now = self._clock()
        for job in list(self.jobs.values()):
            if now >= job.asked.ttl_s + job.submitted_at:
                self.forget(job.id)
                self.counts["expired"] += 1
            elif job.finished_at is not None and now >= job.finished_at + job.keep_result_s:
                del self.jobs[job.id]
            elif self._ran_too_long(job, now):
                self._time_out(job, now)
        if any(ticket.not_before <= now for ticket in self._tickets) or self._stops_due(now):
            self._on_change()

    def waiting(self) -> list[Job]:
        """Return the jobs that wait for a worker and may ask for a new one, oldest first."""
        return [
            job
            for job in self.jobs.values()
            if job.status is Status.IN_QUEUE and not job.asked.low_priority
        ]

    def count(self, status: Status) -> int:
        """Return how many remembered jobs stand there."""
        return sum(job.status is status for job in self.jobs.values())

    def is_busy(self, pod: Pod) -> bool:
        """True while the platform sees the pod at work."""
        return any(not self._has_ended(job_id) for job_id in pod.jobs)

    # -- inside ----------------------------------------------------------------------

    def _queue(self, job: Job, after_s: float = 0.0) -> None:
        self._tickets.append(Ticket(job.id, self._clock() + after_s))
        self._on_change()

    def _is_void(self, ticket: Ticket) -> bool:
        job = self.jobs.get(ticket.job_id)
        return job is None or not (ticket.duplicate or job.status is Status.IN_QUEUE)

    def _is_for(self, ticket: Ticket, pod_id: str) -> bool:
        return (
            ticket.not_before <= self._clock()
            and ticket.only_pod in (None, pod_id)
            and ticket.not_pod != pod_id
        )

    def _late_delivery(self) -> bool:
        return self._faults.take(FaultKind.LATE_DELIVERY, self._endpoint) is not None

    def _hand_over(self, ticket: Ticket, job: Job, pod_id: str) -> None:
        now, pod = self._clock(), self.pods.get(pod_id)
        job.holders.add(pod_id)
        if pod is not None:
            pod.jobs.add(job.id)
        if job.status is Status.IN_QUEUE:
            job.move(Status.IN_PROGRESS)
            job.delivered_at, job.pod_id = now, pod_id
        elif job.status is Status.CANCELLED or job.id not in self.jobs:
            self._stop_holders(job)  # cancelled while it was on its way
        self._befall(ticket, job, pod_id, now)

    def _befall(self, ticket: Ticket, job: Job, pod_id: str, now: float) -> None:
        pod = self.pods.get(pod_id)
        if not ticket.duplicate:
            twice = self._faults.take(FaultKind.DUPLICATE, self._endpoint, *job.names)
            if twice is not None:
                only, other = (pod_id, None) if twice.same_pod else (None, pod_id)
                self._tickets.appendleft(
                    Ticket(job.id, now + twice.delay_s, only, other, duplicate=True)
                )
        kill = self._faults.take(FaultKind.KILL_WORKER, self._endpoint, *job.names)
        if kill is not None and pod is not None:
            pod.kill_at, pod.kill_for = now + kill.delay_s, None

    def _is_late(self, job: Job) -> bool:
        if not job.is_final:
            return False
        return self._faults.take(FaultKind.RESURRECT, self._endpoint, *job.names) is None

    def _has_ended(self, job_id: str) -> bool:
        job = self.jobs.get(job_id)
        return job is None or job.is_final

    def _let_go(self, pod_id: str, job_id: str) -> None:
        pod, job = self.pods.get(pod_id), self.jobs.get(job_id)
        if pod is not None:
            pod.jobs.discard(job_id)
            if pod.kill_for == job_id:  # it has stopped within its grace
                pod.kill_at = pod.kill_for = None
            pod.stops = [stop for stop in pod.stops if stop.job_id != job_id]
        if job is not None:
            job.holders.discard(pod_id)

    def _end(self, job: Job, status: Status, pod_id: str | None = None) -> None:
        now = self._clock()
        if pod_id is not None and job.delivered_at is None:
            job.delivered_at, job.pod_id = now, pod_id  # answered before the write returned
        job.move(status)
        job.finished_at = now
        self.counts[status.value] += 1
        self._on_final(job)
        self._on_change()

    def _stop_holders(self, job: Job) -> None:
        for pod_id in sorted(job.holders):
            pod = self.pods.get(pod_id)
            lost = self._faults.take(FaultKind.LOSE_STOP, self._endpoint, *job.names)
            if pod is not None and lost is None:
                pod.stops.append(Stop(job.id, self._config.stop_sends, self._clock()))
        self._on_change()

    def _stops_due(self, now: float) -> bool:
        return any(stop.due_at <= now for pod in self.pods.values() for stop in pod.stops)

    def _ran_too_long(self, job: Job, now: float) -> bool:
        if job.status is not Status.IN_PROGRESS or job.delivered_at is None:
            return False
        return now >= job.delivered_at + job.asked.execution_timeout_s

    def _time_out(self, job: Job, now: float) -> None:
        job.result = {"error": "job timed out"}
        self._end(job, Status.TIMED_OUT)
        self._stop_holders(job)
        for pod_id in job.holders & self.pods.keys():
            pod = self.pods[pod_id]
            if pod.kill_at is None:
                pod.kill_at, pod.kill_for = now + self._config.timeout_grace_s, job.id

    def _deliver_again(self, job: Job) -> None:
        if job.retried >= self._config.max_redeliveries:
            job.result = {"error": "worker died too often"}
            self._end(job, Status.FAILED)
            return
        job.retried += 1
        self.counts["retried"] += 1
        job.move(Status.IN_QUEUE)
        job.delivered_at = job.pod_id = None
        self._queue(job)


def keep_result_s(*, sync: bool) -> float:
    """Return how long a result is kept, in seconds."""
    return facts.KEEP_RUNSYNC_RESULT_S if sync else facts.KEEP_RUN_RESULT_S
