"""Every route takes the credential that one table says, and a new one must be in it."""

import re
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import WebSocketRoute

from gateway.api.openapi.operation import Access
from gateway.api.openapi.operations import described
from gateway.core.api_keys import SCOPES
from tests.attack.walk import PAGES
from tests.support.jobs import memory_stores
from tests.support.world import World

PAGE = Path("docs/access.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| `(GET|POST|PUT|PATCH|DELETE|WebSocket) (/\S+)` \| (.+) \|$", re.MULTILINE
)
TABLE = {(method, path): takes for method, path, takes in ROW.findall(PAGE)}


@pytest.fixture
async def contexts(tmp_path):
    async with memory_stores(tmp_path) as stores:
        yield list(iter_route_contexts(World(stores, tmp_path).gateway.app.routes))


def test_no_route_is_in_the_table_twice_and_each_takes_what_there_is():
    assert len(ROW.findall(PAGE)) == len(TABLE)
    assert set(TABLE.values()) <= {each.value for each in Access}
    assert set(TABLE.values()) >= set(SCOPES)


async def test_the_table_has_every_route_and_no_other(contexts):
    there = {
        (method, context.path_format)
        for context in contexts
        for method in getattr(context, "methods", None) or ()
        if context.path_format not in PAGES
    }
    sockets = {
        ("WebSocket", context.path)
        for context in contexts
        if isinstance(context.original_route, WebSocketRoute)
    }
    assert there | sockets == TABLE.keys()


async def test_the_document_says_of_each_route_what_the_table_does(contexts):
    said = described()
    told = {
        (method, context.path_format): said[context.name].access.value
        for context in contexts
        if context.name in said
        for method in context.methods
    }
    assert told == {place: takes for place, takes in TABLE.items() if place[0] != "WebSocket"}


def test_every_scope_a_route_may_ask_for_is_one_that_a_key_may_have():
    scopes = {takes.partition(",")[0] for takes in TABLE.values()}
    tokens = {"open", "submission token", "attempt token"}
    assert scopes - tokens == set(SCOPES)
