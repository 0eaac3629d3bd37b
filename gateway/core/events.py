"""One line of a job's log, as every watcher gets it."""

import json
from datetime import datetime

from gateway.core.job import Job
from gateway.core.snapshot import snapshot, timestamp

# Made once: `json.dumps` with separators of one's own builds an encoder at each call.
_compact = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def event_body(job: Job, event: str, at: datetime) -> str:
    """Return the finished JSON of an event: made once, sent as it is to everybody."""
    body = {"seq": job.seq, "type": event, "at": timestamp(at), "job": snapshot(job)}
    return _compact(body)
