"""What a command shows of a job: on its way, and at its end."""

from datetime import datetime
from decimal import Decimal

from cli.board import Track
from cli.said_plainly import JobEnded
from client import Cutroom, Event, Job


def follow(client: Cutroom, job_id: str, track: Track) -> Job:
    """Show a job on a track to its end, and return it with its cost where that is known.

    Raises `JobEnded` unless it succeeded.
    """

    def show(event: Event) -> None:
        track.tell(doing(event.job), event.job.progress)

    done = client.wait(job_id, show)
    if done.status != "succeeded":
        raise JobEnded(why_not(done))
    return client.settled(job_id)


def doing(job: Job) -> str:
    """Return what goes on, in a few words."""
    match job.status:
        case "queued":
            return f"waits for {job.waiting_for}" if job.waiting_for else "queued"
        case "running":
            return job.stage or "running"
        case _:
            return job.status


def why_not(job: Job) -> str:
    """Return why a job that ended made nothing."""
    if job.error is None:
        return f"the job is {job.status}"
    return f"the job {job.status}: {job.error.message} ({job.error.code})"


def between_s(earlier: datetime | None, later: datetime | None) -> float:
    """Return the seconds from one instant to another, 0 where one is missing."""
    return (later - earlier).total_seconds() if earlier and later else 0.0


def usd(amount: Decimal | None) -> str:
    """Return a price as it is shown."""
    return "–" if amount is None else f"${amount:.4f}"


def summary(job: Job) -> str:
    """Return one line on a finished job: frames, seconds, price."""
    frames = f"{job.result['frames']} frames, " if job.result and "frames" in job.result else ""
    queued_s = between_s(job.created_at, job.started_at)
    ran_s = between_s(job.started_at, job.finished_at)
    cost = job.cost
    price = f"{usd(cost.actual_usd)} (estimated {usd(cost.estimated_usd)})" if cost else "–"
    return f"{frames}{queued_s:.1f} s queued, {ran_s:.1f} s running, {price}"
