"""Every field of every body with everything that it is not."""

import copy
import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.attack.refusals import told
from tests.attack.sending import all_asked, asked, good
from tests.attack.tables import bodies_s4, bodies_v1, bodies_work
from tests.attack.tables.routes import Route
from tests.attack.tables.values import HOSTILE, Wrong
from tests.support.target import Target

ROUTES = (*bodies_v1.ROUTES, *bodies_s4.ROUTES, *bodies_work.ROUTES)
FIELDS = [(route, path) for route in ROUTES for path in route.fields]
HERE = "\u2620"


def with_raw(body: Any, path: str, raw: str | None) -> bytes:
    """Return the body as JSON, with `raw` at the path, or nothing where it is None."""
    *way, last = path.split(".")
    body = copy.deepcopy(body)
    inner = body
    for step in way:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    at: Any = int(last) if isinstance(inner, list) else last
    if raw is None:
        del inner[at]
        return json.dumps(body).encode()
    inner[at] = HERE
    return json.dumps(body, ensure_ascii=False).replace(f'"{HERE}"', raw).encode()


def tried(
    target: Target, route: Route, path: str, wrongs: Sequence[Wrong]
) -> dict[str, tuple[int, str, str]]:
    body = route.body(target.has)
    answers = all_asked(target, route, (with_raw(body, path, each.raw) for each in wrongs))
    return {each.label: told(answer) for each, answer in zip(wrongs, answers, strict=True)}


def expected(path: str, wrong: Wrong) -> tuple[int, str, str]:
    named = path if wrong.named is None else wrong.named
    return wrong.status, wrong.code, named[:200]


@pytest.mark.parametrize(("route", "path"), FIELDS, ids=[f"{r.name}-{p}" for r, p in FIELDS])
def test_a_wrong_value_is_refused_by_its_field_and_nothing_is_written(target, route, path):
    before = target.written()
    wrongs = [*route.fields[path], *HOSTILE]
    found = tried(target, route, path, wrongs)
    assert found == {each.label: expected(path, each) for each in wrongs}
    assert target.written() == before


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_what_the_values_are_put_into_is_good(target, route):
    answer = asked(target, route, good(target, route))
    assert answer.status in {200, 201, 202}, answer.body


def test_a_row_that_is_written_is_seen(target):
    before = target.written()
    assert target.written() == before
    target.run(target.world.submit)
    assert target.written() != before
