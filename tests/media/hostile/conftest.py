"""What hostile files are made of, and what must not be visited while they are opened."""

from collections.abc import Iterator

import pytest

from tests.media.hostile.canaries import Canaries, canaries
from tests.media.hostile.entry import Ground
from tests.media.hostile.good_files import GoodFiles


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    with canaries(tmp_path_factory.mktemp("canaries")) as made:
        yield made


@pytest.fixture(scope="module")
def ground(watched: Canaries) -> Ground:
    return Ground(watched.url, watched.secret, GoodFiles())
