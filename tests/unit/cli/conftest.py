"""A command's run in an empty folder, with no server in its environment."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.main import app
from tests.support.fake_v1 import API_KEY, FakeV1
from tests.support.serving import serving_in_thread


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CUTROOM_URL", raising=False)
    monkeypatch.delenv("CUTROOM_API_KEY", raising=False)
    return tmp_path


@pytest.fixture
def cutroom(folder: Path) -> Callable[..., Result]:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return run


@pytest.fixture
def fake(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeV1]:
    """A gateway that the environment names."""
    gateway = FakeV1()
    with serving_in_thread(gateway.app()) as base_url:
        monkeypatch.setenv("CUTROOM_URL", base_url)
        monkeypatch.setenv("CUTROOM_API_KEY", API_KEY)
        gateway.objects["out"] = b"an exported video"
        yield gateway
