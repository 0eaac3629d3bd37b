"""An application that is small for as long as that suffices, and whole from then on."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.bootstrap_polls import Polls
from gateway.entrypoints.buffered import EffectsBeforeAnswer, PollsForStreams

if TYPE_CHECKING:
    from gateway.bootstrap import Gateway


class PollsFirst:
    """Answers status polls by `polls`, and builds the whole gateway for anything else.

    Once that is built it answers everything. Without `polls` it is built for the first
    request of all. Whichever answers is started before it does.
    """

    def __init__(self, whole: "Callable[[], Gateway]", polls: Polls | None = None) -> None:
        self._build = whole
        self._polls = polls
        self._polls_started = False
        self._gateway: Gateway | None = None
        self._gateway_started = False
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        polls = self._polls
        route = _route_of(polls, scope) if polls is not None and self._app is None else None
        if polls is not None and route is not None:
            if not self._polls_started:
                await polls.start()
                self._polls_started = True
            # FastAPI's routes tell who they are; Starlette's do not.
            await polls.app({**scope, "route": route}, receive, send)
            return
        gateway = await self.gateway()
        app = self._app or EffectsBeforeAnswer(PollsForStreams(gateway.app), gateway)
        self._app = app
        await app(scope, receive, send)

    async def gateway(self) -> "Gateway":
        """Return the whole gateway, built and started."""
        gateway = self._gateway
        if gateway is None:
            gateway = self._gateway = self._build()
        if not self._gateway_started:
            await gateway.start()
            self._gateway_started = True
        return gateway


def _route_of(polls: Polls, scope: Scope) -> BaseRoute | None:
    """Return what takes the request; nothing but a GET, where Starlette takes a HEAD too."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    taking = (each for each in polls.app.routes if each.matches(scope)[0] is Match.FULL)
    return next(taking, None)
