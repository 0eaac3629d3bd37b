"""The README names what there is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from cli.main import app
from gpu_worker.settings import WorkerSettings

README = Path("README.md").read_text(encoding="utf-8")


def variables(settings: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from variables(kind, f"{prefix}{name.upper()}_")
        else:
            yield f"{prefix}{name.upper()}"


WORKER = list(variables(WorkerSettings, "CUTROOM_WORKER_"))


@pytest.mark.parametrize("name", WORKER)
def test_each_variable_of_the_worker_is_in_a_table(name: str):
    assert f"`{name}`" in README


def test_no_variable_of_the_worker_is_in_a_table_that_is_none():
    lines = [line for line in README.splitlines() if line.startswith("| `CUTROOM_WORKER_")]
    named = {
        each for line in lines for each in line.split("`") if each.startswith("CUTROOM_WORKER_")
    }
    assert named == set(WORKER)


def test_each_command_is_named():
    group = typer.main.get_command(app)
    names = [f"cutroom {name}" for name in group.commands]
    assert [name for name in names if name not in README] == []
