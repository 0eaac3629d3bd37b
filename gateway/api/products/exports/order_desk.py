"""Makes jobs of what the routes have checked, and shows them: no state of its own."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Response
from starlette.requests import HTTPConnection

from gateway.api.dependencies import Trace
from gateway.api.job_reading import owned_job
from gateway.api.products.exports.projection import KINDS, TYPES, export_job, word
from gateway.api.products.unknown_fields import ForgivingBody
from gateway.api.use_cases import Jobs, JobUseCases
from gateway.core.idempotency import IdempotencyKey, binding
from gateway.core.job import Job, no_such_job
from gateway.core.surfaces import Surface
from gateway.core.upload import Asset
from gateway.services.export_inputs import ExportInputs
from gateway.services.export_projects import ExportProjects
from gateway.services.job_request import JobRequest
from gateway.services.job_tickets import JobTickets
from gateway.services.show_job import ShowJob
from gateway.services.submit_job import Submitted
from shared.errors import CallerMustChange, NotFound
from shared.kinds.export.framing import FramingLook
from shared.kinds.export.overlay import OverlayLook

FACTS = ("project_id", "clip_index")


@dataclass(frozen=True, slots=True)
class ExportUseCases:
    """What the routes of this surface call, beside those of jobs."""

    inputs: ExportInputs
    projects: ExportProjects
    show: ShowJob
    tickets: JobTickets


async def export_use_cases(connection: HTTPConnection) -> ExportUseCases:
    """Return what bootstrap built."""
    found: ExportUseCases = connection.app.state.export_use_cases
    return found


Exports = Annotated[ExportUseCases, Depends(export_use_cases)]


@dataclass(frozen=True, slots=True)
class Order:
    """One export to make. `gone` says what it means that the video was deleted meanwhile."""

    type: str
    video: Asset
    look: OverlayLook | FramingLook
    gone: Callable[[], CallerMustChange]
    trim: dict[str, float | None] | None = None
    job_id: str | None = None


class OrderDesk:
    """Takes orders under the caller's idempotency key, and shows jobs by their events."""

    def __init__(
        self,
        jobs: JobUseCases,
        exports: ExportUseCases,
        response: Response,
        trace: str,
    ) -> None:
        self.exports = exports
        self._jobs = jobs
        self._response = response
        self._trace = trace

    def binding(
        self, route: str, key: str | None, asked: ForgivingBody
    ) -> IdempotencyKey | None:
        """Return what the key names: this body, with defaults and nothing unknown."""
        return None if key is None else binding(route, key, asked.model_dump(mode="json"))

    async def earlier(self, tenant: str, bind: IdempotencyKey | None) -> Submitted | None:
        """Return the job made under the key before. Ask before looking for anything."""
        return await self._jobs.submit.earlier(tenant, bind)

    async def make(
        self, tenant: str, order: Order, asked: ForgivingBody, bind: IdempotencyKey | None
    ) -> Submitted:
        """Submit the job; what the product knows of it stands in its labels."""
        source = {"asset_id": order.video.asset_id}
        look = order.look.model_dump(mode="json", include=_fields_of(order.type))
        facts = {name: getattr(asked, name, None) for name in FACTS}
        request = JobRequest(
            kind=KINDS[order.type],
            input={"source": source, **look, **(order.trim or {})},
            labels={name: str(fact) for name, fact in facts.items() if fact is not None},
        )
        try:
            return await self._jobs.submit(
                tenant,
                request,
                trace=self._trace,
                bind=bind,
                surface=Surface.EXPORTS,
                job_id=order.job_id,
            )
        except NotFound as error:
            raise order.gone() from error

    def accepted(self, submitted: Submitted, asked: ForgivingBody) -> dict[str, Any]:
        """Answer for a job that was made now, or under the same key before."""
        job = submitted.job
        if submitted.replayed:
            self._response.status_code = 200
        answer = {
            "job_id": job.id,
            "status": word(job.status, job.fence),
            "websocket_url": self._websocket_url(job),
        }
        return asked.beside(answer)

    async def find(
        self, tenant: str, job_id: str, types: Collection[str] = tuple(KINDS)
    ) -> Job:
        """Return the tenant's export; a job of another kind is none here."""
        job = await owned_job(self._jobs.store, tenant, job_id)
        if TYPES.get(job.kind) not in types:
            raise no_such_job(f"{job_id} is {job.kind}")
        return job

    async def shown(self, job: Job) -> dict[str, Any]:
        """Return the job object: what a socket says, and URLs made for this reader."""
        shown = export_job(job, await self.exports.show.newest(job))
        key = shown["output_video_key"]
        there = key and job.outputs_expired_at is None
        signed = there and self.exports.show.output_url(key, f"{shown['type']}.mp4")
        return {
            **shown,
            "output_url": signed.url if signed else None,
            "websocket_url": self._websocket_url(job),
        }

    async def cancel(self, tenant: str, job: Job) -> Job:
        """Cancel the job. Raises `Conflict` where it had ended otherwise."""
        return await self._jobs.cancel(tenant, job.id)

    def _websocket_url(self, job: Job) -> str:
        """Return where to watch the job on this host; the ticket in it makes it a secret."""
        self._response.headers["Cache-Control"] = "no-store"
        ticket = self.exports.tickets.issue(job.tenant, job.id).ticket
        return f"/api/jobs/{job.id}/ws?ticket={ticket}"


async def _order_desk(
    jobs: Jobs, exports: Exports, response: Response, trace: Trace
) -> OrderDesk:
    return OrderDesk(jobs, exports, response, trace)


Desk = Annotated[OrderDesk, Depends(_order_desk)]


def _fields_of(type_: str) -> set[str]:
    look = OverlayLook if type_ == "overlay" else FramingLook
    return set(look.model_fields)
