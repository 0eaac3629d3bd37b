"""What a Ctrl-C during an upload leaves behind, and what it says."""

from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from cli.board import board
from cli.sending import sent_or_called_off
from cli.upload import _sent
from client import ApiProblem, Busy, Conflict, TransferFailed

CLIP = Path("clip.mp4")


class Uploads:
    """A client whose uploads end so, and what it was asked to abort."""

    def __init__(self, ends: BaseException, refuses: ApiProblem | None = None) -> None:
        self.ends, self.refuses = ends, refuses
        self.aborted: list[str] = []

    def upload(self, path: Path, on_progress: Any, *, on_begun: Any, **_: Any) -> None:
        on_begun("up-1")
        on_progress(1, 2)
        raise self.ends

    def abort_upload(self, upload_id: str) -> None:
        self.aborted.append(upload_id)
        if self.refuses:
            raise self.refuses


def test_an_interrupted_upload_stays_and_says_how_to_go_on(capsys):
    client: Any = Uploads(KeyboardInterrupt())
    with pytest.raises(typer.Exit) as ended:
        _sent(client, CLIP, None, None)
    assert ended.value.exit_code == 130
    assert "go on with: cutroom upload clip.mp4 --resume up-1" in capsys.readouterr().err
    assert client.aborted == []


@pytest.mark.parametrize(
    "error", [TransferFailed("broke off"), Busy(503, "unavailable", "x")], ids=["cut", "busy"]
)
def test_an_upload_that_time_may_mend_says_how_to_go_on(capsys, error):
    client: Any = Uploads(error)
    with pytest.raises(type(error)):
        _sent(client, CLIP, None, None)
    assert "--resume up-1" in capsys.readouterr().err


def test_a_refused_upload_is_not_to_be_gone_on_with(capsys):
    client: Any = Uploads(ApiProblem(415, "type_mismatch", "The file is no video/mp4."))
    with pytest.raises(ApiProblem):
        _sent(client, CLIP, None, None)
    assert "--resume" not in capsys.readouterr().err


@pytest.mark.parametrize("refuses", [None, Conflict(409, "already_complete", "It is.")])
def test_an_interrupted_export_calls_its_upload_off(refuses):
    client: Any = Uploads(KeyboardInterrupt(), refuses)
    with board(Console()) as on, pytest.raises(typer.Exit) as ended:
        sent_or_called_off(client, CLIP, on)
    assert ended.value.exit_code == 130
    assert client.aborted == ["up-1"]
