"""`cutroom budget` on a database of its own."""

import pytest

from tests.unit.cli.test_keys import SETTINGS


@pytest.fixture
def budget(cutroom, folder):
    path = folder / "gateway.env"
    settings = SETTINGS | {
        "CUTROOM_DATABASE_PATH": str(folder / "cutroom.sqlite3"),
        "CUTROOM_BUDGET_MONTH_USD": "100",
    }
    path.write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
    cutroom("tenants", "create", "shop", "--env-file", str(path))

    def run(command, *arguments, tenant="shop"):
        return cutroom(
            "budget", command, "--tenant", tenant, *arguments, "--env-file", str(path)
        )

    return run


def rows(shown):
    """Each row's cells, but for the name of the period."""
    cells = [line.strip("│ ").split("│") for line in shown.stdout.splitlines()]
    return [[each.strip() for each in row[1:]] for row in cells if row[0].startswith("2")]


def test_without_a_word_a_tenants_caps_are_those_of_the_settings(budget):
    assert rows(budget("show")) == [
        ["0.0000", "0.0000", "none", "settings"],
        ["0.0000", "0.0000", "100.0000", "settings"],
    ]


def test_a_cap_that_is_set_stays_while_another_is_set_and_goes_back_to_the_default(budget):
    budget("set", "--day", "2.50")
    budget("set", "--month", "none")
    assert [row[2:] for row in rows(budget("show"))] == [
        ["2.5000", "tenant"],
        ["none", "tenant"],
    ]
    budget("set", "--day", "default", "--month", "default")
    assert [row[3] for row in rows(budget("show"))] == ["settings", "settings"]


def test_a_stop_is_shown_until_it_is_lifted(budget):
    budget("stop")
    stopped = budget("show").stdout
    budget("resume")
    assert "Stopped since" in stopped
    assert "Stopped" not in budget("show").stdout


@pytest.mark.parametrize("said", ["-1", "much", "NaN", "1e12", ""])
def test_what_is_no_amount_is_refused(budget, said):
    refused = budget("set", f"--day={said}")
    assert refused.exit_code == 2
    assert "--day" in refused.output


def test_nothing_to_set_is_refused(budget):
    assert budget("set").exit_code == 2


@pytest.mark.parametrize("command", [("set", "--day", "1"), ("stop",), ("resume",)])
def test_a_tenant_that_is_not_there_has_no_budget(budget, command):
    refused = budget(*command, tenant="nobody")
    assert refused.exit_code != 0
    assert "no such tenant" in refused.output
