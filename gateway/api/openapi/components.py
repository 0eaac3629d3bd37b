"""Schemas of models under names of their own, and what of them a document needs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

REF = "#/components/schemas/"
Mode = Literal["validation", "serialization"]
Model = type[BaseModel]


class Components:
    """Schemas by name. A model answers by a reference, once it is known.

    `taken`: the models as requests carry them; `given`: as answers do.
    """

    def __init__(self, *, taken: Iterable[Model], given: Iterable[Model]) -> None:
        asked: list[tuple[Model, Mode]] = [
            *((model, "validation") for model in dict.fromkeys(taken)),
            *((model, "serialization") for model in dict.fromkeys(given)),
        ]
        refs, found = models_json_schema(asked, ref_template=f"{REF}{{model}}")
        self._refs = {key: dict(ref) for key, ref in refs.items()}
        self.schemas: dict[str, Any] = untitled_each(found.get("$defs", {}))

    def add(self, schemas: Mapping[str, Any]) -> None:
        """Take in schemas made elsewhere; raise `ValueError` where two differ under a name."""
        for name, schema in schemas.items():
            if self.schemas.setdefault(name, schema) != schema:
                raise ValueError(f"two schemas are called {name}")

    def schema(self, described: Any, mode: Mode) -> Any:
        """Return the schema with a reference where a model stands."""
        match described:
            case type():
                return self._refs[(described, mode)]
            case Mapping():
                return {name: self.schema(each, mode) for name, each in described.items()}
            case list() | tuple():
                return [self.schema(each, mode) for each in described]
            case _:
                return described


def models_in(described: Any) -> Iterator[Model]:
    """Yield each model a described body names."""
    match described:
        case type():
            yield described
        case Mapping():
            for each in described.values():
                yield from models_in(each)
        case list() | tuple():
            for each in described:
                yield from models_in(each)


def untitled_each(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return named schemas without the titles that only repeat names."""
    return {name: untitled(schema) for name, schema in schemas.items()}


def untitled(schema: Any) -> Any:
    """Drop each `title`: made of a field's own name, it tells a reader nothing."""
    match schema:
        case Mapping():
            return {
                key: untitled_each(value) if key in {"properties", "$defs"} else untitled(value)
                for key, value in schema.items()
                if key != "title" or not isinstance(value, str)
            }
        case list():
            return [untitled(each) for each in schema]
        case _:
            return schema


def opened(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that takes fields it does not know."""
    return {key: each for key, each in schema.items() if key != "additionalProperties"}


def reachable(start: Any, schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schemas that `start` refers to, directly or through others, by name."""
    found: dict[str, Any] = {}
    waiting = list(references_in(start))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = schemas[name]
            waiting += references_in(schemas[name])
    return {name: found[name] for name in sorted(found)}


def references_in(value: Any) -> Iterator[str]:
    """Yield the name of each schema referred to, also by a discriminator."""
    match value:
        case Mapping():
            for each in value.values():
                yield from references_in(each)
        case list():
            for each in value:
                yield from references_in(each)
        case str() if value.startswith(REF):
            yield value.removeprefix(REF)


def renamed(value: Any, new_name: Callable[[str], str]) -> Any:
    """Return the same with each reference under its new name."""
    match value:
        case Mapping():
            return {key: renamed(each, new_name) for key, each in value.items()}
        case list():
            return [renamed(each, new_name) for each in value]
        case str() if value.startswith(REF):
            return REF + new_name(value.removeprefix(REF))
        case _:
            return value
