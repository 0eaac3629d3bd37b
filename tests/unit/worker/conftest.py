"""The parts of a worker's bench, each for one test."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Mount

from gpu_worker.sandbox.children import Children, Grace
from gpu_worker.sandbox.zygote_process import clean_environment
from gpu_worker.transfers.scratch import Scratch, hold_scratch
from tests.support.fake_gateway import FakeGateway, FakeStore
from tests.support.serving import serving
from tests.support.worker_bench import Bench


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Scratch]:
    with hold_scratch(tmp_path / "scratch", "worker-1") as held:
        yield held


def new_children() -> Children:
    return Children(
        command=(
            sys.executable,
            "-m",
            "gpu_worker.sandbox.zygote",
            "tests.support.worker_kinds",
        ),
        environment=clean_environment(os.environ, numba_cache_dir=""),
        at_once=2,
        oom_kills=lambda: None,
        grace=Grace(unwind_s=0.2, gone_s=30),
    )


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    """Children of one zygote for a module's tests, whose event loop must be one as well."""
    made = new_children()
    made.start()
    yield made
    made.close()


@pytest.fixture
def own_children() -> Iterator[Children]:
    """Children of a zygote that a test may kill."""
    made = new_children()
    made.start()
    yield made
    made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def bench(scratch: Scratch, children: Children, tmp_path: Path) -> AsyncIterator[Bench]:
    gateway, store = FakeGateway(), FakeStore()
    app = Starlette(routes=[*gateway.app().routes, Mount("/store", store.app())])
    mark = tmp_path / "mark"
    mark.mkdir()
    async with serving(app, date_header=False) as base_url:
        gateway.base_url = base_url
        yield Bench(gateway, store, scratch, children, mark)
