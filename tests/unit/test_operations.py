"""The guide and the alerts of `docs/operations.md` name what there is."""

import re
from pathlib import Path

import promql_parser
import pytest
import yaml
from typer.main import get_command

from cli.main import app
from gateway.adapters.sql.migrations import load, still_to_apply
from gateway.core.figures import Outcome
from gateway.core.job import Status
from shared.errors import FAILURES

GUIDE = Path("docs/operations.md").read_text(encoding="utf-8")
METRICS = Path("docs/metrics.md").read_text(encoding="utf-8")
RULES = [
    rule
    for group in yaml.safe_load(Path("infra/monitoring/alerts.yml").read_text("utf-8"))[
        "groups"
    ]
    for rule in group["rules"]
]
ROW = re.compile(r"^\| `(cutroom_\w+)` \| (\w+) \| (.*?) ?\| .+ \| \w+ \|$", re.M)
METRIC = re.compile(r"\b(cutroom_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
OUTCOMES = {*map(str, Outcome), *map(str, Status), *FAILURES}
VALUES = {
    "outcome": OUTCOMES,
    "peer": {"store", "runpod", "webhooks"},
    "period": {"day", "month"},
    "route": {"/v1/jobs"},
    "method": {"GET", "POST"},
    "status": {"401", "500", "503", *map(str, Status)},
}


def known() -> dict[str, set[str]]:
    """Every series there is with its labels, histograms by their three names."""
    found: dict[str, set[str]] = {}
    for name, kind, labels in ROW.findall(METRICS):
        names = [f"{name}_{end}" for end in ("bucket", "sum", "count")]
        for each in names if kind == "histogram" else [name]:
            found[each] = {
                *re.findall(r"`(\w+)`", labels),
                *(["le"] if "bucket" in each else []),
            }
    return found


def anchors() -> set[str]:
    """What GitHub makes of the guide's headings."""
    headings = re.findall(r"^#+ (.+)$", GUIDE, re.M)
    plain = (re.sub(r"[^\w\- ]", "", each.lower()) for each in headings)
    return {each.replace(" ", "-") for each in plain}


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_asks_for_series_and_labels_that_there_are(rule):
    series = METRIC.findall(rule["expr"])
    assert series or rule["expr"].startswith("up{")
    for name, matchers in series:
        assert name in known()
        for label, how, value in MATCHER.findall(matchers):
            assert label in known()[name]
            wanted = re.compile(value if "~" in how else re.escape(value))
            assert any(wanted.fullmatch(each) for each in VALUES[label])
            if "~" in how and "." not in value:
                assert set(value.split("|")) <= VALUES[label]
    grouped = re.findall(r"by \(([\w, ]+)\)", rule["expr"])
    labels = {each.strip() for some in grouped for each in some.split(",")}
    assert labels <= {label for name, _ in series for label in known()[name]}


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_is_what_prometheus_reads(rule):
    assert promql_parser.parse(rule["expr"]).prettify()


def test_what_prometheus_does_not_read_is_told_apart():
    with pytest.raises(ValueError, match="parenthesis"):
        promql_parser.parse("sum(rate(cutroom_http_requests_total[5m])) / 0)")


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_says_what_it_means_how_bad_it_is_and_what_to_do(rule):
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"].endswith(".")
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert page == "docs/operations.md"
    assert anchor in anchors()


def test_alerts_have_names_of_their_own():
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)


def test_the_guide_names_alerts_metrics_and_settings_that_there_are():
    quoted = set(re.findall(r"`([^`\n]+)`", GUIDE))
    alerts = {each for each in quoted if re.fullmatch(r"(?:[A-Z][a-z]+){2,}", each)}
    series = {name for each in quoted for name, _ in METRIC.findall(each)}
    variables = {each for each in quoted if re.fullmatch(r"CUTROOM_[A-Z_]+[A-Z]", each)}
    named = Path("docs/settings.md").read_text(encoding="utf-8")
    assert alerts <= {rule["alert"] for rule in RULES}
    families = {name for name, *_ in ROW.findall(METRICS)}
    assert series <= families
    assert [each for each in variables if f"`{each}`" not in named] == []


def test_the_guide_names_lines_of_the_log_that_are_written():
    lines = set(re.findall(r"`([a-z]+\.[a-z_]+)`", GUIDE)) - {"settings.md", "webhooks.md"}
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("gateway", "gpu_worker", "shared")
        for path in Path(folder).rglob("*.py")
    )
    pages = {each for each in lines if each.endswith((".md", ".db", ".env", ".yml"))}
    assert [each for each in sorted(lines - pages) if f'"{each}"' not in code] == []


def test_the_guide_names_commands_that_there_are():
    root = get_command(app)
    asked = re.findall(r"cutroom ([a-z]+)(?: ([a-z]+))?", GUIDE)
    assert asked
    for first, second in asked:
        command = root.commands[first]
        assert not hasattr(command, "commands") or not second or second in command.commands


def test_an_older_gateway_starts_on_a_newer_database():
    newer = load()
    applied = {each.name: each.sha256 for each in newer}
    assert still_to_apply(newer[:-1], applied) == []
