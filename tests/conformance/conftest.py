"""What most suites of stores hold: each of the stores there are, on a database of its own."""

import pytest

from tests.support.jobs import STORES


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
async def stores(request, tmp_path):
    """All stores over one set of tables; a suite that needs others has its own."""
    async with request.param(tmp_path) as stores:
        yield stores
