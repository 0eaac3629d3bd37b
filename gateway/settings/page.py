"""`docs/settings.md`, made from the models: `python -m gateway.settings.page`."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.settings.aliases import OURS, older_names
from gateway.settings.groups import Group
from gateway.settings.model import CLOUDS, GROUPS, Settings

PAGE = Path("docs/settings.md")
BEGIN, END = "<!-- made by python -m gateway.settings.page -->\n", "<!-- end -->\n"


@dataclass(frozen=True, slots=True)
class Variable:
    """One row: a variable, whether it must be set, and what holds if it is not."""

    name: str
    required: bool
    default: str
    meaning: str
    older: tuple[str, ...]


def variables() -> Iterator[Variable]:
    """Yield every variable of ours, in the order of the models."""
    yield from _of(Settings, OURS)
    for group, model in GROUPS.items():
        yield from _of(model, f"{OURS}{group.upper()}_")


def table() -> str:
    """Return the rows as Markdown."""
    rows = [
        "| variable | default | meaning | older names |",
        "| --- | --- | --- | --- |",
    ]
    for each in variables():
        older = ", ".join(f"`{name}`" for name in each.older)
        rows.append(f"| `{each.name}` | {each.default} | {each.meaning} | {older} |")
    return "\n".join(rows) + "\n"


def renewed(page: str) -> str:
    """Return the page with the table as the models have it now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _of(model: type[Group], prefix: str) -> Iterator[Variable]:
    for name, field in model.model_fields.items():
        if name in GROUPS and model is Settings:
            continue
        variable = f"{prefix}{name.upper()}"
        required = field.is_required()
        default = "required" if required else _shown(field.get_default())
        if required and prefix.removeprefix(OURS).lower().rstrip("_") in CLOUDS:
            default = "required in production"
        yield Variable(
            variable, required, default, field.description or "", tuple(older_names(variable))
        )


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "–"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
