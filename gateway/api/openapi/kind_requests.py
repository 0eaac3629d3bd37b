"""One request a kind: so that what a generator makes of a submission has typed input."""

from collections.abc import Mapping
from typing import Any

from gateway.api.openapi import examples
from gateway.api.openapi.components import REF, Components
from shared.job_kind import JobKind

Kinds = Mapping[str, JobKind[Any, Any]]


def pascal(kind: str) -> str:
    """`export.framing` is `ExportFraming`."""
    return "".join(word.capitalize() for word in kind.replace(".", "_").split("_"))


def input_names(kinds: Kinds, components: Components) -> dict[str, str]:
    """Return each input's component as it is called, and as the kind would have it."""
    return {
        components.schema(kind.input, "validation")["$ref"].removeprefix(REF): (
            f"{pascal(name)}Input"
        )
        for name, kind in kinds.items()
    }


def add_requests(kinds: Kinds, request: dict[str, Any], components: Components) -> None:
    """Add a request for each kind, all alike but for `kind` and `input`."""
    for name, kind in kinds.items():
        properties = {
            **request["properties"],
            "kind": {"const": name, "type": "string"},
            "input": components.schema(kind.input, "validation"),
        }
        said = f"A job of the kind `{name}`. {kind.description}"
        one = {**request, "properties": properties, "description": said}
        components.add({f"{pascal(name)}Job": one})


def one_of(kinds: Kinds) -> dict[str, Any]:
    """Return the schema of any of them, told apart by `kind`."""
    refs = {name: f"{REF}{pascal(name)}Job" for name in kinds}
    return {
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "kind", "mapping": refs},
    }


def request_examples(kinds: Kinds) -> dict[str, Any]:
    """Return one example a kind, and the same as a dry run for the first."""
    found = {
        name: {"kind": name, "input": examples.KIND_INPUTS.get(name, {})} for name in kinds
    }
    with_labels = {name: {**each, "labels": {"clip": "7"}} for name, each in found.items()}
    first = next(iter(found.values()))
    return {**with_labels, "dry_run": {**first, "dry_run": True}}
