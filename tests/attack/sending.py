"""How the tables' routes are asked."""

import json

from tests.attack.tables.routes import Route
from tests.support.raw_http import Answer
from tests.support.target import Target


def credential(target: Target, route: Route) -> tuple[str, str]:
    """Return the header that opens the route."""
    if route.bearer is None:
        return target.key()
    return ("Authorization", f"Bearer {route.bearer(target.has)}")


def asked(target: Target, route: Route, raw: bytes) -> Answer:
    """Ask the route with these bytes for a body."""
    path = target.has.address(route.path)
    return target.ask(route.method, path, raw, headers=[credential(target, route)])


def good(target: Target, route: Route) -> bytes:
    """Return a body that the route takes."""
    return json.dumps(route.body(target.has)).encode()
