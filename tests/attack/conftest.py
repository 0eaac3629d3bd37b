"""One gateway for each module of attacks, with one of everything in it."""

import pytest

from tests.support.target import a_target


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A gateway served as the image serves it."""
    with a_target(tmp_path_factory.mktemp("target")) as target:
        yield target
