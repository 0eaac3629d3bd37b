"""A job as everybody may see it: in events, and as the core of every answer."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from gateway.core.job import Job


def snapshot(job: Job) -> dict[str, Any]:
    """Return the job without input, cost and signed URLs: what an event carries."""
    return {
        "id": job.id,
        "kind": job.kind,
        "kind_version": job.kind_version,
        "status": job.status.value,
        "stage": job.stage,
        "progress": round(job.progress, 4),
        "waiting_for": job.waiting_for.value if job.waiting_for else None,
        "attempt": job.fence,
        "seq": job.seq,
        "result": job.result,
        "outputs": [
            {
                "name": output.name,
                "key": output.key,
                "content_type": output.content_type,
                "size_bytes": output.size_bytes,
                "sha256": output.sha256,
            }
            for output in job.outputs
        ],
        "warnings": [asdict(warning) for warning in job.warnings],
        "error": asdict(job.error) if job.error else None,
        "labels": job.labels,
        "parent_id": job.parent_id,
        "retry_of": job.retry_of,
        "reused_from": job.reused_from,
        "created_at": timestamp(job.created_at),
        "started_at": timestamp(job.started_at),
        "finished_at": timestamp(job.finished_at),
        "deadline_at": timestamp(job.deadline_at),
    }


def timestamp(at: datetime | None) -> str | None:
    """UTC with microseconds and a `Z`: fixed width, so that text sorts as time."""
    return at.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z" if at else None
