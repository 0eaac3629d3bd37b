"""Hands what answers a status poll the ports it needs, and prepares an application for it.

On Lambda a cold start answers a status poll more often than anything else: nothing is
imported here, nor by what is imported here, that one does not need. `wiring` has the rest.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from starlette.applications import Starlette

from gateway.api import front_desk
from gateway.api.count_requests import CountRequests
from gateway.api.job_reading import JobReading
from gateway.api.products.exports.face import face as exports_face
from gateway.core.rates import Buckets
from gateway.core.tickets import Tickets
from gateway.ports.attempt_log import AttemptLog
from gateway.ports.clock import Clock
from gateway.ports.event_log import EventLog
from gateway.ports.job_line import JobLine
from gateway.ports.job_store import JobStore
from gateway.ports.key_store import KeyStore
from gateway.ports.url_signer import UrlSigner
from gateway.services.admission import Admission, KnownKeys
from gateway.services.api_keys import ApiKeys
from gateway.services.bell import Bell
from gateway.services.feeds import Feeds
from gateway.services.job_tickets import JobTickets
from gateway.services.request_figures import RequestFigures
from gateway.services.seats import Seats
from gateway.services.view_job import ViewJob
from gateway.services.wait_for_end import WaitForEnd
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class PollPorts:
    """The ports that a status poll stands on."""

    clock: Clock
    new_id: Callable[[], str]
    jobs: JobStore
    job_line: JobLine
    events: EventLog
    attempts: AttemptLog
    keys: KeyStore
    signer: UrlSigner


class PollServices:
    """The services of a status poll, each built once; the whole gateway goes on with them."""

    def __init__(self, settings: Settings, has: PollPorts) -> None:
        limits, timings = settings.limits, settings.timings
        secret = settings.token_secret.get_secret_value().encode()
        self.settings, self.has = settings, has
        self.api_keys = ApiKeys(has.keys, has.clock, secrets.token_bytes)
        self.admission = Admission(
            self.api_keys,
            Buckets(per_s=limits.requests_per_s, burst=limits.requests_burst),
            Buckets(
                per_s=limits.wrong_keys_per_minute / 60, burst=limits.wrong_keys_per_minute
            ),
            KnownKeys(secrets.token_bytes(32)),
            monotonic,
        )
        self.job_tickets = JobTickets(Tickets(secret, "tj_"), has.clock, timings.ticket_s)
        self.bell = Bell()
        self.feeds = Feeds(has.events, self.bell)
        self.seats = Seats(
            per_job=limits.watchers_per_job, per_tenant=limits.watchers_per_tenant
        )
        kept = settings.retention.outputs_kept
        self.view = ViewJob(has.job_line, has.attempts, has.signer, timings.url_s, kept)
        self.wait_for_end = WaitForEnd(has.jobs, self.feeds, self.seats, limits.wait_s_max)
        self.figures = RequestFigures()

    async def seed_keys(self) -> None:
        """Make the environment's keys good."""
        await self.api_keys.seed([key.get_secret_value() for key in self.settings.api_keys])

    def install(self, app: Starlette) -> None:
        """Leave what routes call, and put the rules that hold for every route around them."""
        settings = self.settings
        app.state.api_keys = self.api_keys
        app.state.admission = self.admission
        app.state.job_tickets = self.job_tickets
        app.state.job_reading = JobReading(self.has.jobs, self.view, self.wait_for_end)
        exports = exports_face(
            settings.export_route_prefix, body_bytes=settings.limits.export_body_bytes
        )
        front_desk.install(
            app,
            new_id=self.has.new_id,
            json_body_bytes=settings.limits.json_body_bytes,
            json_depth=settings.limits.json_depth,
            headers_max=settings.limits.headers,
            head_bytes=settings.limits.head_bytes,
            is_https=settings.public_base_url.startswith("https:"),
            cors_origins=settings.cors_origins,
            products=(exports,),
        )
        # From outside all else: what is refused early counts too.
        app.add_middleware(CountRequests, figures=self.figures, seconds=monotonic)
