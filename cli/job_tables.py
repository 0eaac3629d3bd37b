"""Jobs as tables for people and as JSON for programs."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Column, Table

from cli.jobs_shown import doing, usd
from client import Cost, Job

# A signed URL opens its file to whoever holds it.
SECRET = {"outputs": {"__all__": {"url"}}}


def as_json_object(job: Job) -> dict[str, Any]:
    """Return a job as the API's JSON, without the URLs of its outputs."""
    return job.model_dump(mode="json", exclude=SECRET)


def table(jobs: Iterable[Job]) -> Table:
    """Return jobs as a table; ids are complete, whatever the width."""
    shown = Table(
        Column("id", no_wrap=True, min_width=36),
        Column("kind", overflow="fold"),
        Column("status", no_wrap=True),
        Column("created", no_wrap=True),
        Column("cost", justify="right", no_wrap=True),
        Column("labels", overflow="fold"),
        box=None,
        pad_edge=False,
    )
    for job in jobs:
        cells = (job.id, job.kind, _standing(job), _at(job.created_at), _cost(job.cost))
        shown.add_row(*map(escape, (*cells, _labels(job.labels))))
    return shown


def details(job: Job) -> RenderableType:
    """Return all that is worth knowing of one job, line by line."""
    lines = Table.grid(
        Column(style="bold", no_wrap=True), Column(overflow="fold"), padding=(0, 2)
    )
    for name, value in _facts(job):
        lines.add_row(name, escape(value))
    if not job.outputs:
        return lines
    files = Table("output", "type", Column("bytes", justify="right"), "sha256", box=None)
    for each in job.outputs:
        cells = (each.name, each.content_type, str(each.size_bytes), each.sha256)
        files.add_row(*map(escape, cells))
    return Group(lines, "", files)


def _facts(job: Job) -> Iterator[tuple[str, str]]:
    found = {
        "id": job.id,
        "kind": job.kind,
        "status": _standing(job),
        "labels": _labels(job.labels),
        "retry of": job.retry_of,
        "reused from": job.reused_from,
        "parent": job.parent_id,
        "attempt": str(job.attempt) if job.attempt else None,
        "created": _at(job.created_at),
        "started": _at(job.started_at),
        "finished": _at(job.finished_at),
        "deadline": _at(job.deadline_at),
        "files until": _at(job.outputs_expire_at),
        "cost": _cost(job.cost),
        "error": f"{job.error.message} ({job.error.code})" if job.error else None,
    }
    yield from ((name, value) for name, value in found.items() if value)
    yield from (("warning", str(each.get("message", each))) for each in job.warnings)


def _standing(job: Job) -> str:
    if job.status == "running":
        return f"running {job.progress:.0%} {doing(job)}"
    if job.status == "queued" and job.waiting_for:
        ahead = f", {job.position} ahead" if job.position is not None else ""
        return f"queued for {job.waiting_for}{ahead}"
    return job.status


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z" if at else ""


def _cost(cost: Cost | None) -> str:
    if cost is None:
        return ""
    return (
        usd(cost.actual_usd) if cost.actual_usd is not None else f"~{usd(cost.estimated_usd)}"
    )


def _labels(labels: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in labels.items())
