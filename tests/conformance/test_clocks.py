"""What every Clock promises."""

from datetime import timedelta

import pytest

from gateway.adapters.system_clock import SystemClock
from tests.support.jobs import HandClock


@pytest.mark.parametrize("clock", [HandClock(), SystemClock()], ids=["hand", "system"])
def test_a_clock_tells_aware_utc_and_does_not_run_back(clock):
    first, second = clock.now(), clock.now()
    assert first.utcoffset() == timedelta(0)
    assert second >= first
