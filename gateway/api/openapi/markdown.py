"""The document as good reading: a guide, then every operation, object and code."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gateway.api.openapi.components import REF, reachable
from gateway.api.openapi.type_text import fields_of, type_of
from shared.errors import FAILURES

Document = Mapping[str, Any]

GUIDE: Final = Path(__file__).with_name("guide.md")
# What any route may answer is said once, in the guide.
ANYWHERE: Final = frozenset({"unauthenticated", "forbidden", "unavailable", "internal"})
_LINE: Final = 92
_FIELD_HEADS: Final = ("field", "type", "meaning")
_SECURITY: Final = {
    "uploadTicket": "the upload's ticket",
    "jobTicket": "the job's ticket",
    "submissionToken": "the submission's token",
    "attemptToken": "the attempt's token",
}


def reading_of(document: Document) -> str:
    """Return the whole text: the guide with its parts put in."""
    text = GUIDE.read_text(encoding="utf-8")
    for name, part in (
        ("operations", _operations(document)),
        ("objects", _objects(document)),
        ("errors", _errors(document)),
        ("failures", _failures()),
    ):
        text = text.replace(f"<!-- {name} -->", part)
    return text


def operations_in(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation, in order."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


# -- operations -----------------------------------------------------------------------------


def _operations(document: Document) -> str:
    parts: list[str] = []
    for tag in document["tags"]:
        parts += [f"## Routes of {tag['name']}", tag["description"]]
        parts += [
            _operation(method, path, operation, document)
            for method, path, operation in operations_in(document)
            if operation["tags"] == [tag["name"]]
        ]
    return "\n\n".join(parts)


def _operation(method: str, path: str, operation: Document, document: Document) -> str:
    parts = [
        f"### {operation['summary']}",
        f"`{method} {path}` · `{operation['operationId']}` · {_access(operation)}",
        operation["description"],
        _parameters(operation),
        _body(operation, document),
        _answers(operation),
        _refusals(operation),
    ]
    return "\n\n".join(part for part in parts if part)


def _access(operation: Document) -> str:
    accepted = operation["security"]
    if not accepted:
        return "open to all"
    scopes = next((scopes for each in accepted for scopes in each.values() if scopes), None)
    ways = [f"a key with the scope `{scopes[0]}`"] if scopes else []
    ways += [_SECURITY[name] for each in accepted for name in each if name in _SECURITY]
    return ", or ".join(ways)


def _parameters(operation: Document) -> str:
    rows = [
        (
            f"`{each['name']}`",
            each["in"],
            type_of(each["schema"]) + ("" if not each.get("required") else ", required"),
            each.get("description", ""),
        )
        for each in operation.get("parameters", ())
    ]
    return _table(("parameter", "in", "type", "meaning"), rows) if rows else ""


def _body(operation: Document, document: Document) -> str:
    if "requestBody" not in operation:
        return ""
    content = operation["requestBody"]["content"]["application/json"]
    needed = "" if operation["requestBody"]["required"] else " (may be left out)"
    parts = [f"Body{needed}: {type_of(content['schema'])}."]
    parts += [_fields(content["schema"], document)]
    parts += [_json(example["value"]) for example in list(content["examples"].values())[:2]]
    return "\n\n".join(part for part in parts if part)


def _fields(schema: Document, document: Document) -> str:
    """A table of the body's own fields; what is below stands under the objects."""
    name = schema.get("$ref", "").removeprefix(REF)
    if not name:
        return ""
    rows = [
        (f"`{each.name}`", each.type + (", required" if each.required else ""), each.says)
        for each in fields_of(document["components"]["schemas"][name])
    ]
    return _table(_FIELD_HEADS, rows) if rows else ""


def _answers(operation: Document) -> str:
    rows: list[tuple[str, str, str]] = []
    shown: list[str] = []
    for status, answer in _responses(operation, refused=False):
        contents = answer.get("content", {})
        bodies = [
            type_of(content["schema"]) if media.endswith("json") else f"`{media}`"
            for media, content in contents.items()
        ]
        headers = [f"`{name}`" for name in answer["headers"] if name != "X-Request-ID"]
        rows.append(
            (status, answer["description"], ", ".join([*bodies, *headers]).replace("|", "or"))
        )
        shown += [
            _example(media, content)
            for media, content in contents.items()
            if not shown and content["examples"]
        ]
    return "\n\n".join([_table(("answer", "meaning", "carries"), rows), *shown[:1]])


def _example(media: str, content: Document) -> str:
    value = next(iter(content["examples"].values()))["value"]
    return _json(value) if media.endswith("json") else f"```\n{value}```"


def _refusals(operation: Document) -> str:
    found = []
    for status, answer in _responses(operation, refused=True):
        codes = [f"`{code}`" for code in answer["x-codes"] if code not in ANYWHERE]
        found += [f"{status} {', '.join(codes)}"] if codes else []
    return f"Errors: {'; '.join(found)}." if found else ""


def _responses(operation: Document, *, refused: bool) -> list[tuple[str, Document]]:
    return [
        (status, answer)
        for status, answer in operation["responses"].items()
        if ("x-codes" in answer) == refused
    ]


# -- objects and codes --------------------------------------------------------------------


def _objects(document: Document) -> str:
    schemas = document["components"]["schemas"]
    inner = {
        name: schema
        for name, schema in reachable(document["paths"], schemas).items()
        if schema.keys() & {"properties", "enum", "oneOf"}
    }
    return "\n\n".join(_object(name, schema) for name, schema in sorted(inner.items()))


def _object(name: str, schema: Document) -> str:
    parts = [f"### {name}", _one_line(schema.get("description", ""))]
    if "enum" in schema:
        parts.append(", ".join(f"`{each}`" for each in schema["enum"]) + ".")
    elif "oneOf" in schema:
        parts.append(f"{type_of(schema)}.")
    else:
        parts.append(_field_table(schema))
    return "\n\n".join(part for part in parts if part)


def _field_table(schema: Document) -> str:
    rows = [
        (f"`{each.name}`", each.type, each.says or ("required" if each.required else ""))
        for each in fields_of(schema)
    ]
    return _table(_FIELD_HEADS, rows) if rows else ""


def _errors(document: Document) -> str:
    """Every code of a refusal by status; the lines are those of the responses."""
    found: dict[tuple[str, str], None] = {}
    for _, _, operation in operations_in(document):
        for status, answer in _responses(operation, refused=True):
            for line in answer["description"].splitlines():
                found[(status, line.removeprefix("- "))] = None
    rows = [(status, *line.split(": ", 1)) for status, line in sorted(found)]
    return _table(("status", "code", "when, and what to do"), rows)


def _failures() -> str:
    rows = [
        (f"`{code}`", "yes" if each.retryable else "no", each.who.value, each.sentence)
        for code, each in FAILURES.items()
    ]
    return _table(("code", "tried again by itself", "whose move", "sentence"), rows)


# -- text ---------------------------------------------------------------------------------


def _table(head: tuple[str, ...], rows: list[Any]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return _one_line(text).replace("|", "\\|")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _json(value: Any) -> str:
    return f"```json\n{compact(value)}\n```"


def compact(value: Any, indent: str = "") -> str:
    """Return JSON with each part that fits on one line there."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= _LINE or not isinstance(value, dict | list):
        return line
    inner = indent + "  "
    if isinstance(value, list):
        items = [inner + compact(each, inner) for each in value]
        return "[\n" + ",\n".join(items) + f"\n{indent}]"
    pairs = [f"{inner}{json.dumps(key)}: {compact(each, inner)}" for key, each in value.items()]
    return "{\n" + ",\n".join(pairs) + f"\n{indent}}}"
