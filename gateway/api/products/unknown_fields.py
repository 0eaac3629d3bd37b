"""Request bodies that forgive what they do not know: ignored, and said in `warnings`.

`/v1` refuses an unknown field; a product's older clients may send more than is read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Self, Union, get_args, get_origin

from annotated_types import MaxLen
from pydantic import (
    BaseModel,
    ModelWrapValidatorHandler,
    PrivateAttr,
    model_validator,
)
from pydantic.fields import FieldInfo

from shared.job_kind import Wire

WARNINGS_MAX = 50
LONGEST_PATH = 200

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class AlsoKnown:
    """Names that mean something on this surface, and nothing in the object they stand in.

    Metadata of a field that holds an object. They are no unknown fields to be ignored: the
    object's model refuses them.
    """

    names: frozenset[str]


@dataclass(slots=True)
class Unknown:
    """The first places where an unknown field was, and how many there were."""

    count: int = 0
    first: list[Path] = field(default_factory=list)

    def add(self, path: Path, names: Sequence[str]) -> None:
        """Note fields of the object at `path`."""
        room = max(0, WARNINGS_MAX - len(self.first))
        self.first += [(*path, name) for name in names[:room]]
        self.count += len(names)


# Returns the value without its unknown fields; the same value where it has none.
Prune = Callable[[Any, Path, Unknown], Any]


class ForgivingBody(Wire):
    """A body whose unknown fields, at any depth, are dropped and remembered.

    Everything it knows stays as strict as its models are, those of `shared` inside it too.
    A union of models with a discriminator knows the fields of the one that is meant, any
    other those of all.
    """

    _unknown: Unknown = PrivateAttr(default_factory=Unknown)

    @model_validator(mode="wrap")
    @classmethod
    def _without_unknown(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        unknown = Unknown()
        body = handler(_of_model(cls)(value, (), unknown))
        body._unknown = unknown  # noqa: SLF001 - its own
        return body

    @property
    def warnings(self) -> list[dict[str, str]]:
        """A warning for each field that was ignored, so many at most."""
        named = [".".join(map(str, path))[:LONGEST_PATH] for path in self._unknown.first]
        said = [f"{name} is not a field of this request and was ignored." for name in named]
        if (more := self._unknown.count - len(said)) > 0:
            said.append(f"{more} more fields are not of this request and were ignored.")
        return [{"code": "unknown_field", "message": each} for each in said]

    def beside(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer, with warnings where there are some to add."""
        mine = self.warnings
        if not mine:
            return dict(answer)
        return {**answer, "warnings": [*answer.get("warnings", ()), *mine]}


# What is known is told by the annotations, read once for each model. To ask the models, by
# what they refuse, takes a second for a body of a megabyte; this takes milliseconds.


@cache
def _of_model(model: type[BaseModel]) -> Prune:
    fields = {name: _of_field(each) for name, each in model.model_fields.items()}
    return _of_object(fields)


def _of_object(fields: Mapping[str, Prune | None]) -> Prune:
    inner = {name: prune for name, prune in fields.items() if prune is not None}

    def prune(value: Any, path: Path, unknown: Unknown) -> Any:
        if not isinstance(value, dict):
            return value
        if not value.keys() <= fields.keys():
            unknown.add(path, [name for name in value if name not in fields])
            value = {name: each for name, each in value.items() if name in fields}
        changed = {
            name: inner[name](value[name], (*path, name), unknown)
            for name in inner
            if name in value
        }
        return {**value, **changed} if changed else value

    return prune


def _of_field(info: FieldInfo) -> Prune | None:
    return _of(info.annotation, (info, *info.metadata))


def _of(annotation: Any, said: Sequence[Any] = ()) -> Prune | None:
    """Return what prunes a value of this annotation; None where nothing in it is a model.

    `said`: the metadata that stands beside it.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _of(arguments[0], arguments[1:])
    if _is_model(annotation):
        return _of_model(annotation)
    if origin in (Union, UnionType):
        return _of_union(arguments, said)
    if origin in (list, tuple) and (each := _of(arguments[0])):
        return _of_items(each, _longest(said))
    if origin is dict and (each := _of(arguments[1])):
        return _of_values(each)
    return None


def _of_union(members: Sequence[Any], said: Sequence[Any]) -> Prune | None:
    models = [each for each in members if _is_model(each)]
    if not models:
        return next((prune for each in members if (prune := _of(each))), None)
    tags = (each.discriminator for each in said if isinstance(each, FieldInfo))
    if tag := next((each for each in tags if isinstance(each, str)), None):
        return _of_tagged(tag, models)
    also = chain.from_iterable(each.names for each in said if isinstance(each, AlsoKnown))
    fields = chain.from_iterable(model.model_fields.items() for model in models)
    known: dict[str, Prune | None] = dict.fromkeys(also)
    return _of_object({**known, **{name: _of_field(each) for name, each in fields}})


def _longest(said: Sequence[Any]) -> int | None:
    """Return how many items a list may have; None where nothing says so."""
    rules = chain(said, *(each.metadata for each in said if isinstance(each, FieldInfo)))
    return next((rule.max_length for rule in rules if isinstance(rule, MaxLen)), None)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _of_tagged(discriminator: str, models: Sequence[type[BaseModel]]) -> Prune:
    by_tag = MappingProxyType(
        {
            tag: _of_model(model)
            for model in models
            for tag in get_args(model.model_fields[discriminator].annotation)
        }
    )

    def prune(value: Any, path: Path, unknown: Unknown) -> Any:
        tag = value.get(discriminator) if isinstance(value, dict) else None
        known = by_tag.get(tag) if isinstance(tag, str) else None
        return known(value, path, unknown) if known else value

    return prune


def _of_items(each: Prune, longest: int | None) -> Prune:
    # One past what may be there is enough to be refused for.
    end = None if longest is None else longest + 1

    def prune(value: Any, path: Path, unknown: Unknown) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return [each(item, (*path, at), unknown) for at, item in enumerate(value[:end])]

    return prune


def _of_values(each: Prune) -> Prune:
    def prune(value: Any, path: Path, unknown: Unknown) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: each(item, (*path, name), unknown) for name, item in value.items()}

    return prune
