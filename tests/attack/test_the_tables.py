"""Nothing that the application takes is missing from the tables of attacks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.attack.tables import bodies_s4, bodies_v1, bodies_work
from tests.attack.walk import walked
from tests.support.contract import operations_of

DOCUMENT = json.loads(Path("docs/openapi.json").read_text())
ROUTES = (*bodies_v1.ROUTES, *bodies_s4.ROUTES, *bodies_work.ROUTES)
# A caller's own words, each under a name of the table's choice.
FREE = {"/v1/jobs": {"labels.clip"}}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    return DOCUMENT["components"]["schemas"][name] if name else schema


def fields_in(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield the path of every field a body may have, in every member of every union."""
    schema = resolved(schema)
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from fields_in(each, path)
    if "items" in schema:
        yield from fields_in(schema["items"], f"{path}.0")
    for name, each in schema.get("properties", {}).items():
        inner = f"{path}.{name}".strip(".")
        yield inner
        yield from fields_in(each, inner)


def described() -> dict[tuple[str, str], set[str]]:
    return {
        (method.upper(), path): set(
            fields_in(operation["requestBody"]["content"]["application/json"]["schema"])
        )
        for method, path, operation in operations_of(DOCUMENT)
        if "requestBody" in operation
    }


def template_of(method: str, path: str) -> str:
    """Return the document's name of an address of the tables."""
    steps = path.split("/")
    found = [
        there
        for verb, there in described()
        if verb == method
        and len(there.split("/")) == len(steps)
        and all(
            a == b or a.startswith("{") for a, b in zip(there.split("/"), steps, strict=True)
        )
    ]
    return found[0]


def in_tables() -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for route in ROUTES:
        path = template_of(route.method, route.path)
        found.setdefault((route.method, path), set()).update(route.fields)
    return found


@pytest.mark.parametrize("at", described(), ids=" ".join)
def test_every_field_of_every_body_is_attacked(at):
    named = in_tables()[at] - FREE.get(at[1], set())
    # An item that is a number or a text has no field of its own in the document.
    assert {each for each in named if not each.endswith(".0")} == described()[at]


def test_the_walk_sees_every_route_there_is(target):
    assert {(each.method, each.template) for each in walked(target)} == {
        (method.upper(), path) for method, path, _ in operations_of(DOCUMENT)
    }
