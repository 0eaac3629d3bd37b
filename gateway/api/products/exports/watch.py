"""Exports over sockets, each message a job object: S4-4 and S4-7."""

import json
from collections.abc import Callable

from fastapi import APIRouter, WebSocket

from gateway.api.products.exports.projection import TYPES, export_job
from gateway.api.sockets import Manner, serve_socket
from gateway.core.job import Job
from gateway.ports.event_log import Event

router = APIRouter()


def _renders(job: Job) -> Callable[[Event], str] | None:
    if job.kind not in TYPES:
        return None
    return lambda event: json.dumps(export_job(job, event))


@router.websocket("/ws/export/{job_id}")
async def watch_export(socket: WebSocket, job_id: str) -> None:
    """Send the job object now and on each change, at most 4 a second; close at the end."""
    await serve_socket(socket, job_id, Manner(_renders, sampled=True))


@router.websocket("/api/jobs/{job_id}/ws")
async def watch_export_job(socket: WebSocket, job_id: str) -> None:
    """The same, at the address that answers give."""
    await serve_socket(socket, job_id, Manner(_renders, sampled=True))
