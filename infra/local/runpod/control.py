"""Faults and kills from another process on this machine; served only where asked for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from functools import wraps
from ipaddress import ip_address
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.runpod.api import refusal
from infra.local.runpod.endpoint import Endpoint
from infra.local.runpod.faults import Fault, Faults
from infra.local.runpod.fleet import Fleet

View = Callable[[Request], Awaitable[Response]]

_FAULT: TypeAdapter[Fault] = TypeAdapter(Fault)


class Control:
    """The routes under `/_faults` and `/_workers`, for callers on loopback."""

    def __init__(
        self,
        faults: Faults,
        endpoints: Mapping[str, Endpoint],
        fleets: Callable[[], list[Fleet]],
    ) -> None:
        self._faults = faults
        self._endpoints = endpoints
        self._fleets = fleets

    def routes(self) -> list[Route]:
        """Return the routes."""
        table: list[tuple[str, str, View]] = [
            ("/_faults", "GET", self._read_faults),
            ("/_faults", "POST", self._add_fault),
            ("/_faults", "DELETE", self._clear_faults),
            ("/_workers", "GET", self._read_workers),
            ("/_workers/{pod_id}/kill", "POST", self._kill),
        ]
        return [Route(path, _local(view), methods=[method]) for path, method, view in table]

    async def _read_faults(self, request: Request) -> Response:
        counts = {name: dict(each.queue.counts) for name, each in self._endpoints.items()}
        planned = [asdict(fault) for fault in self._faults.planned()]
        return JSONResponse(
            {"planned": planned, "fired": dict(self._faults.fired), "counts": counts}
        )

    async def _add_fault(self, request: Request) -> Response:
        try:
            self._faults.add(_FAULT.validate_json(await request.body()))
        except ValidationError as error:
            return refusal(400, str(error))
        return Response(status_code=204)

    async def _clear_faults(self, request: Request) -> Response:
        self._faults.clear()
        return Response(status_code=204)

    async def _read_workers(self, request: Request) -> Response:
        views = [view for fleet in self._fleets() for view in fleet.views()]
        workers: list[dict[str, Any]] = [
            asdict(view) | {"price_usd_per_s": str(view.price_usd_per_s)} for view in views
        ]
        return JSONResponse({"workers": workers})

    async def _kill(self, request: Request) -> Response:
        pod_id = request.path_params["pod_id"]
        for fleet in self._fleets():
            if any(view.pod_id == pod_id for view in fleet.views()):
                fleet.kill(pod_id)
                return Response(status_code=204)
        return refusal(404, "no such worker")


def _local(view: View) -> View:
    @wraps(view)
    async def guarded(request: Request) -> Response:
        return await view(request) if _is_local(request) else refusal(403, "loopback only")

    return guarded


def _is_local(request: Request) -> bool:
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False
