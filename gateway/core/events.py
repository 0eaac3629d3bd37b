"""One line of a job's log, as every watcher gets it."""

import json
from datetime import datetime

from gateway.core.job import Job
from gateway.core.snapshot import snapshot, timestamp


def event_body(job: Job, event: str, at: datetime) -> str:
    """Return the finished JSON of an event: made once, sent as it is to everybody."""
    body = {"seq": job.seq, "type": event, "at": timestamp(at), "job": snapshot(job)}
    return json.dumps(body, separators=(",", ":"), allow_nan=False)
