"""`cutroom backup` and `cutroom restore` on a database of their own."""

from pathlib import Path

import pytest

from tests.unit.cli.test_keys import SETTINGS


@pytest.fixture
def asked(folder: Path) -> list[str]:
    path = folder / "gateway.env"
    settings = SETTINGS | {"CUTROOM_DATABASE_PATH": str(folder / "cutroom.sqlite3")}
    path.write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
    return ["--env-file", str(path)]


def test_what_was_backed_up_is_there_again_after_a_restore(cutroom, asked, folder):
    cutroom("keys", "create", "--tenant", "shop", *asked)
    made = cutroom("backup", "backup.db", *asked)
    cutroom("keys", "create", "--tenant", "later", *asked)
    done = cutroom("restore", "backup.db", *asked)
    assert (made.exit_code, done.exit_code) == (0, 0)
    assert "whole and sound" in made.stdout
    assert "0 jobs had not ended" in done.stdout
    assert "cutroom.sqlite3.before-" in done.stdout
    assert "shop" in cutroom("tenants", "list", *asked).stdout
    assert "later" not in cutroom("tenants", "list", *asked).stdout


def test_a_refusal_says_why_and_changes_nothing(cutroom, asked, folder):
    (folder / "backup.db").write_text("mine")
    cutroom("keys", "create", "--tenant", "shop", *asked)
    for command, why in (("backup", "already"), ("restore", "not a database")):
        refused = cutroom(command, "backup.db", *asked)
        assert refused.exit_code == 1
        assert why in refused.stderr.replace("\n", " ")
    assert (folder / "backup.db").read_text() == "mine"
