"""Holds real answers against the OpenAPI document: nothing in it may be untrue."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

Document = Mapping[str, Any]
BASE = "urn:cutroom"


def operations_of(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def closed(schema: Any) -> Any:
    """Refuse fields that are not described, as a document open to growth does not.

    References become absolute: the components are read once, and not for each value.
    """
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        return {"$ref": f"{BASE}{schema['$ref']}"}
    tight = {key: closed(each) for key, each in schema.items()}
    if "properties" in schema and schema.get("type") == "object":
        tight.setdefault("additionalProperties", False)
    return tight


class Contract:
    """A document, and which of its answers have been seen."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.seen: dict[str, set[int]] = defaultdict(set)
        held = DRAFT202012.create_resource({"components": closed(document["components"])})
        self._registry = Registry().with_resource(BASE, held).crawl()
        self._routes = [
            (method, re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operation)
            for method, path, operation in operations_of(document)
        ]

    def operation(self, method: str, path: str) -> dict[str, Any]:
        """Return what is said of this address; one without parameters goes first."""
        found = [
            operation
            for verb, pattern, operation in sorted(
                self._routes, key=lambda route: route[1].pattern.count("[^/]+")
            )
            if verb == method.lower() and pattern.fullmatch(path)
        ]
        assert found, f"{method} {path} is not described"
        return found[0]

    def faults(self, schema: Document, value: Any) -> list[str]:
        """Return what is wrong with a value, each fault with its place."""
        validator = Draft202012Validator(
            closed(schema),
            registry=self._registry,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    async def check(self, response: httpx.Response) -> None:
        """Raise `AssertionError` where the answer is not as described."""
        await response.aread()
        request = response.request
        operation = self.operation(request.method, request.url.path)
        where = f"{operation['operationId']} → {response.status_code}"
        said = operation["responses"].get(str(response.status_code))
        assert said is not None, f"{where} is not described: {response.text[:300]}"
        self.seen[operation["operationId"]].add(response.status_code)
        for name, header in said["headers"].items():
            described = self._header(header)
            assert name in response.headers or not described.get("required"), f"{where}: {name}"
        self._check_body(where, said, response)

    def _header(self, header: Document) -> Document:
        name = header["$ref"].removeprefix("#/components/headers/")
        return self.document["components"]["headers"][name]

    def _check_body(self, where: str, said: Document, response: httpx.Response) -> None:
        if not response.content:
            assert "content" not in said or response.is_redirect, f"{where} has no body"
            return
        media = response.headers["content-type"].partition(";")[0]
        assert media in said.get("content", {}), f"{where} is {media}: {response.text[:200]}"
        if not media.endswith("json"):
            return
        body = response.json()
        faults = self.faults(said["content"][media]["schema"], body)
        assert not faults, f"{where}: {faults}"
        codes = said.get("x-codes")
        assert codes is None or body["code"] in codes, f"{where}: {body['code']}"
