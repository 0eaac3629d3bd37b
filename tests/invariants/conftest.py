"""The whole service for a test: two gateways on one file, a bucket that checks signatures."""

from collections.abc import AsyncIterator

import pytest

from tests.support.house import House, a_house


@pytest.fixture
async def house(tmp_path) -> AsyncIterator[House]:
    """Two gateways, which must still add up when the test is over."""
    async with a_house(tmp_path) as house:
        yield house
        house.add_up()
