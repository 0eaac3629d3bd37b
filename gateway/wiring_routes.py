"""Leaves with the application what the routes call that jobs are not made of."""

from functools import partial

from fastapi import FastAPI

from gateway.api.metrics import Metering
from gateway.api.products.exports.order_desk import ExportUseCases
from gateway.api.use_cases import JobUseCases
from gateway.core.figures import BeatFigures
from gateway.core.tickets import Tickets
from gateway.core.upload import SINGLE_PUT_MAX_BYTES
from gateway.services.assets import Assets
from gateway.services.export_inputs import ExportInputs
from gateway.services.export_projects import ExportProjects
from gateway.services.look_at_upload import LookAtUpload
from gateway.services.multipart_uploads import MultipartUploads
from gateway.services.preview_plan import PreviewPlan
from gateway.services.process_figures import ProcessFigures
from gateway.services.read_usage import ReadUsage
from gateway.services.readiness import Readiness
from gateway.services.resolve_files import ResolveFiles
from gateway.services.show_job import ShowJob
from gateway.services.take_census import TakeCensus
from gateway.services.uploads import Uploads
from gateway.settings import Settings
from gateway.wiring import JobServices
from gateway.wiring_ports import Ports


def install_uploads(app: FastAPI, settings: Settings, has: Ports) -> None:
    """Leave what the routes of uploads, inputs of exports, assets and health call."""
    secret = settings.token_secret.get_secret_value().encode()
    look = LookAtUpload(has.uploads, has.objects, has.clock, has.new_id)
    app.state.uploads = Uploads(
        has.uploads,
        has.assets,
        has.objects,
        has.signer,
        look,
        MultipartUploads(
            has.uploads,
            has.multiparts,
            has.signer,
            has.clock,
            settings.timings.multipart_url_s,
        ),
        Tickets(secret, "tu_"),
        has.clock,
        has.new_id,
        settings.limits.upload_bytes,
        settings.timings.upload_url_s,
        settings.limits.stored_bytes_per_tenant,
    )
    app.state.export_inputs = ExportInputs(
        has.uploads,
        has.assets,
        has.objects,
        has.signer,
        look,
        has.clock,
        has.new_id,
        min(settings.limits.upload_bytes, SINGLE_PUT_MAX_BYTES),
        settings.timings.export_upload_url_s,
        settings.limits.stored_bytes_per_tenant,
    )
    app.state.assets = Assets(
        has.assets, has.objects, has.signer, has.clock, settings.timings.url_s
    )
    checks = {"database": has.database_answers, "store": has.objects.check}
    if settings.runpod is None:
        checks["compute"] = partial(has.compute.health, "")
    app.state.readiness = Readiness(
        checks,
        has.clock,
        cache_s=settings.timings.ready_cache_s,
    )


def install_preview(app: FastAPI, services: JobServices) -> None:
    """Leave what the route of previews calls."""
    has = services.has
    resolve = ResolveFiles(has.assets, has.jobs)
    app.state.preview_plan = PreviewPlan(services.kinds, resolve, has.assets, has.jobs)


def install_exports(app: FastAPI, settings: Settings, has: Ports) -> None:
    """Leave what the routes of exports call, beside what jobs and uploads have left."""
    inputs: ExportInputs = app.state.export_inputs
    jobs: JobUseCases = app.state.job_use_cases
    app.state.export_use_cases = ExportUseCases(
        inputs,
        ExportProjects(has.export_projects, has.assets, inputs, has.clock),
        ShowJob(jobs.read_events, has.signer, settings.timings.url_s),
        app.state.job_tickets,
    )


def install_usage(app: FastAPI, services: JobServices) -> None:
    """Leave what the route of usage calls."""
    app.state.read_usage = ReadUsage(services.has.budgets, services.has.clock)


def install_metrics(app: FastAPI, services: JobServices, beats: BeatFigures) -> None:
    """Leave what `/metrics` tells."""
    has, clock = services.has, services.has.clock
    app.state.metering = Metering(
        ProcessFigures(
            services.polls.figures, services.change.figures, has.calls, has.writes, beats
        ),
        TakeCensus(has.census, clock),
        {each.name: each.slot_cap for each in services.endpoints.by_name().values()},
        services.polls.seats.by_transport,
        clock,
    )
