"""A schema's type in words: `whole number ≥ 1`, `text or null`, a list of something."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from gateway.api.openapi.components import REF

_WORDS = MappingProxyType(
    {
        "string": "text",
        "integer": "whole number",
        "number": "number",
        "boolean": "true or false",
        "object": "object",
        "null": "null",
    }
)
_FORMATS = MappingProxyType({"date-time": "time", "uri": "URL"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object, for a reader."""

    name: str
    type: str
    says: str
    required: bool


def fields_of(schema: Mapping[str, Any]) -> Iterator[Field]:
    """Yield the fields of an object in order."""
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        default = f"; default {_shown(each['default'])}" if each.get("default") else ""
        says = each.get("description", "")
        yield Field(name, type_of(each) + default, says, name in required)


def type_of(schema: Mapping[str, Any]) -> str:
    """Return the type in words; a named object is a link to where it is described."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REF)
        return f"[{name}](#{name.lower()})"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(map(type_of, schema[key]))
    if "const" in schema:
        return f"`{_shown(schema['const'])}`"
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    return _plain(schema)


def _plain(schema: Mapping[str, Any]) -> str:
    match schema.get("type"):
        case "array":
            return f"list of {type_of(schema.get('items', {}))}{_counted(schema)}"
        case "object" if isinstance(inner := schema.get("additionalProperties"), Mapping):
            return f"object of {type_of(inner)}"
        case str(word):
            named = _FORMATS.get(schema.get("format", ""), _WORDS[word])
            return f"{named}{_bounds(schema)}"
        case _:
            return "anything"


def _counted(schema: Mapping[str, Any]) -> str:
    return f", at most {schema['maxItems']}" if "maxItems" in schema else ""


def _bounds(schema: Mapping[str, Any]) -> str:
    """Return what a value must keep to."""
    low, high = _number(schema.get("minimum")), _number(schema.get("maximum"))
    said = [
        f" {low}–{high}" if low is not None and high is not None else "",
        f" ≥ {low}" if low is not None and high is None else "",
        f" ≤ {high}" if high is not None and low is None else "",
        f" > {_number(schema['exclusiveMinimum'])}" if "exclusiveMinimum" in schema else "",
        f", at most {schema['maxLength']} characters" if "maxLength" in schema else "",
        f", a multiple of {_number(schema['multipleOf'])}" if "multipleOf" in schema else "",
    ]
    return "".join(said)


def _number(value: Any) -> Any:
    """Return 16 for 16.0: the framework makes every bound a float."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
