"""What holds for every route there is."""

from inspect import iscoroutinefunction

import pytest
from fastapi.routing import iter_route_contexts

from tests.support.jobs import memory_stores
from tests.support.world import World


@pytest.fixture
async def app(tmp_path):
    async with memory_stores(tmp_path) as stores:
        yield World(stores, tmp_path).gateway.app


def needed(dependant):
    """Yield all that a route calls before it is called itself."""
    for each in dependant.dependencies:
        yield each.call
        yield from needed(each)


async def test_nothing_a_route_depends_on_is_sent_through_a_thread(app):
    routes = [each for each in iter_route_contexts(app.routes) if hasattr(each, "dependant")]
    called = {call for each in routes for call in (each.endpoint, *needed(each.dependant))}
    assert len(called) > len(routes)
    assert {call for call in called if not iscoroutinefunction(call)} == set()
