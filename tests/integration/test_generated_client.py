"""A client that a generator made of `docs/openapi.json` works against the running app."""

import compileall
from importlib import import_module
from pathlib import Path

import pytest

from shared.kinds import load_kinds
from tests.support.jobs import STORES
from tests.support.serving import serving
from tests.support.world import a_world

DOCUMENT = Path("docs/openapi.json")
PACKAGE = "generated_cutroom_client"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Generate into a folder of this test's own; nothing formats it afterwards."""
    from openapi_python_client import generate  # for this test alone, and slow to import
    from openapi_python_client.config import Config, ConfigFile, MetaType

    config = Config.from_sources(
        ConfigFile(post_hooks=[]), MetaType.NONE, DOCUMENT, "utf-8", False, tmp_path / PACKAGE
    )
    assert list(generate(config=config)) == []  # errors and warnings alike
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / PACKAGE


async def test_a_generated_client_compiles_lists_kinds_and_submits_with_typed_input(
    package, tmp_path
):
    assert compileall.compile_dir(package, quiet=1)
    made = {
        name: import_module(f"{PACKAGE}.{name}")
        for name in ("models", "api.kinds.list_kinds", "api.jobs.submit_job", "client")
    }
    models, submit_job = made["models"], made["api.jobs.submit_job"]
    async with (
        a_world(STORES["memory"], tmp_path, offered=load_kinds()) as world,
        serving(world.gateway.app, lifespan="off") as base_url,
    ):
        key = (await world.a_key())["Authorization"].removeprefix("Bearer ")
        client = made["client"].AuthenticatedClient(base_url=base_url, token=key)
        async with client:
            kinds = await made["api.kinds.list_kinds"].asyncio(client=client)
            asset_id = await world.an_asset()
            job = models.ExportFramingJob(
                kind="export.framing",
                input_=models.ExportFramingInput(
                    source=models.FileRef(asset_id=asset_id),
                    crop_keyframes=[
                        models.EasedKeyframe(frame=0, x=1.0, y=2.0, width=64.0, height=64.0)
                    ],
                ),
                dry_run=True,
            )
            estimate = await submit_job.asyncio(client=client, body=job)
            job.dry_run = False
            accepted = await submit_job.asyncio(client=client, body=job, idempotency_key="k1")
            job.input_.source.asset_id = "nobody"
            refused = await submit_job.asyncio(client=client, body=job)
    assert [kind.name for kind in kinds.kinds] == sorted(load_kinds())
    assert (type(estimate), estimate.outputs) == (models.Estimate, ["video"])
    assert (type(accepted), accepted.status) == (models.Job, models.JobStatus.QUEUED)
    assert (type(refused), refused.code) == (models.Problem, "asset_not_found")
