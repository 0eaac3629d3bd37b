"""How the tables' routes are asked."""

import json
from collections.abc import Iterable

from tests.attack.tables.routes import Route
from tests.support.asgi_call import called
from tests.support.raw_http import Answer
from tests.support.target import JSON, Target


def credential(target: Target, route: Route) -> tuple[str, str]:
    """Return the header that opens the route."""
    if route.bearer is None:
        return target.key()
    return ("Authorization", f"Bearer {route.bearer(target.has)}")


def asked(target: Target, route: Route, raw: bytes) -> Answer:
    """Ask the route with these bytes for a body."""
    path = target.has.address(route.path)
    return target.ask(route.method, path, raw, headers=[credential(target, route)])


def all_asked(target: Target, route: Route, raws: Iterable[bytes]) -> list[Answer]:
    """Ask with one body after the other, past the server, which reads none of them."""
    path, headers = target.has.address(route.path), [credential(target, route), JSON]
    app = target.world.gateway.app

    async def asking() -> list[Answer]:
        return [await called(app, route.method, path, headers, raw) for raw in raws]

    answers: list[Answer] = target.run(asking)
    return answers


def good(target: Target, route: Route) -> bytes:
    """Return a body that the route takes."""
    return json.dumps(route.body(target.has)).encode()
