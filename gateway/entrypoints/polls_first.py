"""An application that is small for as long as that suffices, and whole from then on."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.bootstrap_polls import Polls
from gateway.entrypoints.buffered import EffectsBeforeAnswer, PollsForStreams, refuse_sockets

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
        if self._app is None and polls is not None and _takes(polls, scope):
            if not self._polls_started:
                await polls.start()
                self._polls_started = True
            await polls.app(scope, receive, send)
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
            refuse_sockets(gateway.app)
        if not self._gateway_started:
            await gateway.start()
            self._gateway_started = True
        return gateway


def _takes(polls: Polls, scope: Scope) -> bool:
    return any(route.matches(scope)[0] is Match.FULL for route in polls.app.routes)
