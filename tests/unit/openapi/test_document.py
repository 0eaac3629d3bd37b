"""The OpenAPI document: whole, sound, true to the code, and the same in the repository."""

import ast
import asyncio
import json
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import WebSocketRoute

from gateway.api.openapi import prose, refusals
from gateway.api.openapi.document import document_of, route_names
from gateway.api.openapi.markdown import GUIDE, compact
from gateway.api.openapi.operations import described
from gateway.api.openapi.refusals import Refusal
from gateway.entrypoints.api_documents import files_of, shipped_document
from shared.kinds import load_kinds
from tests.support.contract import Contract, operations_of
from tests.support.jobs import memory_stores
from tests.support.world import World

# The file is what the code says, or the first test fails.
DOCUMENT = json.loads(Path("docs/openapi.json").read_text())
OPERATIONS = {
    operation["operationId"]: operation for _, _, operation in operations_of(DOCUMENT)
}
CONTRACT = Contract(DOCUMENT)
each_operation = pytest.mark.parametrize("name", OPERATIONS)


@pytest.fixture
async def app(tmp_path):
    async with memory_stores(tmp_path) as stores:
        yield World(stores, tmp_path).gateway.app


def test_the_files_in_the_repository_are_current():
    for name, text in files_of(asyncio.run(shipped_document())).items():
        assert Path("docs", name).read_text() == text, f"docs/{name} is old: run `make docs`"


def test_it_is_sound_openapi():
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


async def test_every_route_is_described_and_nothing_else_is(app):
    assert set(described()) == set(route_names(app).values())


async def test_every_websocket_route_is_told_of_in_prose_and_no_other(app):
    sockets = {
        context.path
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, WebSocketRoute)
    }
    assert set(prose.SOCKETS) == sockets


async def test_a_route_nobody_described_is_shown_and_breaks_nothing(app):
    @app.get("/v1/new/{thing}")
    async def brand_new(thing: str) -> None: ...

    shown = document_of(app)["paths"]["/v1/new/{thing}"]["get"]
    assert (shown["operationId"], list(shown["responses"])) == ("brand_new", ["default"])


async def test_the_served_document_is_made_once_and_only_when_it_is_asked_for(app):
    assert app.openapi_schema is None
    assert app.openapi() is app.openapi()


def test_operation_ids_are_unique_and_name_functions():
    names = [operation["operationId"] for _, _, operation in operations_of(DOCUMENT)]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() and name == name.lower() for name in names)


@each_operation
def test_it_is_explained_and_tagged_and_says_what_may_go_wrong(name):
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert len(operation["description"]) > 20
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
    assert any("x-codes" in answer for answer in operation["responses"].values())
    assert all(each.get("description") for each in operation.get("parameters", ()))


@each_operation
def test_each_json_body_has_an_example_that_fits_its_schema(name):
    operation = OPERATIONS[name]
    bodies = [
        content
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for media, content in part.get("content", {}).items()
        if media.endswith("json")
    ]
    for content in bodies:
        assert content["examples"]
        for example in content["examples"].values():
            assert CONTRACT.faults(content["schema"], example["value"]) == []


@each_operation
def test_a_protected_route_names_its_credential(name):
    operation = OPERATIONS[name]
    schemes = {scheme for each in operation["security"] for scheme in each}
    assert schemes <= set(DOCUMENT["components"]["securitySchemes"])
    assert ("401" in operation["responses"]) == bool(schemes)


# -- true to the code -----------------------------------------------------------------------

KNOWN = [each for each in vars(refusals).values() if isinstance(each, Refusal)]
CLASSES = {each.raised.__name__ for each in KNOWN}


def raised_in_the_gateway() -> set[tuple[str, str]]:
    """Every class and code that some line of the gateway makes an error of."""
    found = set()
    for path in Path("gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                codes = [each.value for each in node.keywords if each.arg == "code"]
                found |= {
                    (node.func.id, code.value)
                    for code in codes
                    if isinstance(code, ast.Constant) and node.func.id in CLASSES
                }
    return found


def test_every_code_the_gateway_raises_is_described_under_the_class_that_raises_it():
    known = {(each.raised.__name__, each.code) for each in KNOWN}
    of_no_route = {code for _, code in raised_in_the_gateway() - known}
    assert of_no_route == {"no_sockets_here"}
    assert all(f"`{code}`" in GUIDE.read_text() for code in of_no_route)


def test_every_described_code_is_said_by_some_operation():
    said = {
        code
        for operation in OPERATIONS.values()
        for answer in operation["responses"].values()
        for code in answer.get("x-codes", ())
    }
    assert {each.code for each in KNOWN} == said


def test_every_schema_is_used_and_described():
    text = json.dumps(DOCUMENT)
    schemas = DOCUMENT["components"]["schemas"]
    assert [name for name in schemas if f'schemas/{name}"' not in text] == []
    assert [name for name, each in schemas.items() if not each.get("description")] == []


def test_the_submission_has_a_schema_for_each_kind():
    body = OPERATIONS["submit_job"]["requestBody"]["content"]["application/json"]["schema"]
    schemas = DOCUMENT["components"]["schemas"]
    by_kind = {
        kind: schemas[ref.rpartition("/")[2]]["properties"]
        for kind, ref in body["discriminator"]["mapping"].items()
    }
    assert {kind: each["kind"]["const"] for kind, each in by_kind.items()} == {
        kind: kind for kind in load_kinds()
    }
    assert by_kind["export.framing"]["input"]["$ref"].endswith("/ExportFramingInput")


def test_json_in_the_text_is_the_same_json():
    value = {"a": [{"b": "x" * 50, "c": ["y" * 50]}, {}], "d": None, "e": "…"}
    assert json.loads(compact(value)) == value
