"""Which gateway a command speaks to, and under which key."""

import json
from pathlib import Path

import pytest

from cli.said_plainly import CommandFailed
from cli.server import Server, find_server


@pytest.fixture
def serve_file(tmp_path: Path) -> Path:
    path = tmp_path / "serve.json"
    path.write_text(json.dumps({"base_url": "http://127.0.0.1:4000", "api_key": "ck_local"}))
    return path


def test_what_is_given_is_taken(serve_file):
    assert find_server("https://a.example", "ck_mine", serve_file) == Server(
        "https://a.example", "ck_mine"
    )


def test_what_runs_here_is_found(serve_file):
    found = find_server(None, None, serve_file)
    assert found == Server("http://127.0.0.1:4000", "ck_local")


def test_the_local_key_goes_to_no_other_address(serve_file):
    with pytest.raises(CommandFailed, match="CUTROOM_API_KEY"):
        find_server("https://a.example", None, serve_file)


def test_nothing_given_and_nothing_running_says_what_to_do(tmp_path):
    with pytest.raises(CommandFailed, match="CUTROOM_URL"):
        find_server(None, None, tmp_path / "serve.json")


def test_a_broken_file_counts_as_none(tmp_path):
    path = tmp_path / "serve.json"
    path.write_text('{"base_url": ')
    with pytest.raises(CommandFailed):
        find_server(None, None, path)


def test_a_key_is_not_in_a_repr():
    assert "ck_mine" not in repr(Server("https://a.example", "ck_mine"))
