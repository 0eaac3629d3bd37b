"""A gateway without HTTP, on stores in memory and on SQLite."""

import pytest

from tests.support.jobs import STORES
from tests.support.world import a_world


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def world(request, tmp_path):
    """Real services, and every outside played by memory; each test runs on both stores."""
    async with a_world(request.param, tmp_path) as world:
        yield world
