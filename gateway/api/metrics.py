"""What monitoring scrapes: `GET /metrics`, for keys with the scope `admin`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from gateway.api.auth import Admin
from gateway.ports.clock import Clock
from gateway.services.process_figures import ProcessFigures
from gateway.services.take_census import TakeCensus

router = APIRouter(tags=["health"])


@dataclass(frozen=True, slots=True)
class Metering:
    """What the page is made of. `watchers` counts those of this process by transport."""

    process: ProcessFigures
    census: TakeCensus
    slots: Mapping[str, int]
    watchers: Callable[[], Mapping[str, int]]
    clock: Clock


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, caller: Admin) -> Response:
    """Tell how the gateway does, in the text format of Prometheus."""
    # A gateway that nobody scrapes never pays for this import.
    from gateway.api.metrics_page import CONTENT_TYPE, Readings, page  # noqa: PLC0415

    metering: Metering = request.app.state.metering
    readings = Readings(
        process=metering.process,
        census=await metering.census(),
        slots=metering.slots,
        watchers=metering.watchers(),
        now=metering.clock.now(),
    )
    return Response(page(readings), headers={"Content-Type": CONTENT_TYPE})
