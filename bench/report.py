"""The table on the screen and the file for machines."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.figures import Figure, Outcome


def as_json(outcomes: Iterable[Outcome]) -> dict[str, dict[str, Any]]:
    """Return each outcome by its figure's name; `why` only where there is something to say."""
    return {
        each.figure.name: {
            "value": None if each.value is None else _rounded(each.value),
            "target": each.figure.target,
            "unit": each.figure.unit,
            "ok": each.ok,
            **({"why": each.why} if each.why else {}),
        }
        for each in outcomes
    }


def write(outcomes: Iterable[Outcome], path: Path) -> None:
    """Write the file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    text = json.dumps(as_json(outcomes), indent=1, allow_nan=False)
    draft.write_text(f"{text}\n", encoding="utf-8")
    draft.replace(path)


def line(outcome: Outcome) -> str:
    """Return one outcome as a line of the table."""
    figure = outcome.figure
    value = "–" if outcome.value is None else f"{_rounded(outcome.value):g}"
    return (
        f"{figure.name:<28} {value:>9} {figure.unit:<5} {_target(figure):<10} "
        f"{_verdict(outcome)}"
    ).rstrip()


def _target(figure: Figure) -> str:
    return f"{'≥' if figure.at_least else '≤'} {figure.target:g}"


def _verdict(outcome: Outcome) -> str:
    word = {True: "holds", False: "MISSED", None: "recorded"}[outcome.ok]
    if outcome.value is None and outcome.ok is None:
        word = "not run"
    return f"{word}: {outcome.why}" if outcome.why else word


def _rounded(value: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{value:.4g}")
