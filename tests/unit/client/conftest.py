"""A client of a fake gateway over loopback, whose waiting takes no time."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from client import Cutroom
from tests.support.fake_v1 import API_KEY, FakeV1
from tests.support.serving import serving_in_thread


@dataclass
class Pair:
    """A fake gateway, a client of it, and how long the client has waited, in s."""

    fake: FakeV1
    client: Cutroom
    waited_s: list[float]
    base_url: str


@pytest.fixture
def pair() -> Iterator[Pair]:
    fake, waited_s = FakeV1(), []
    with (
        serving_in_thread(fake.app()) as base_url,
        Cutroom(base_url, API_KEY, sleep=waited_s.append, spread=lambda: 0.0) as client,
    ):
        yield Pair(fake, client, waited_s, base_url)
