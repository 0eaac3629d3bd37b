"""Request bodies that forgive what they do not know: ignored, and said in `warnings`.

`/v1` refuses an unknown field; a product's older clients may send more than is read.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import (
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from shared.job_kind import Wire

WARNINGS_MAX = 50
LONGEST_PATH = 200
_UNKNOWN = "extra_forbidden"

Path = tuple[str | int, ...]


class ForgivingBody(Wire):
    """A body whose unknown fields, at any depth, are dropped and remembered.

    Everything it knows stays as strict as its models are, those of `shared` inside it too.
    A union of models needs a discriminator, which tells whose fields are the known ones.
    """

    _unknown: tuple[Path, ...] = PrivateAttr(default=())

    @model_validator(mode="wrap")
    @classmethod
    def _without_unknown(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        unknown: list[Path] = []
        while True:
            try:
                body = handler(value)
            except ValidationError as error:
                found = [_steps(value, path) for path in _unknown_of(error)]
                if not found:
                    raise
                value = _pruned(value, found)
                unknown += found
            else:
                body._unknown = tuple(unknown)  # noqa: SLF001 - its own
                return body

    @property
    def warnings(self) -> list[dict[str, str]]:
        """A warning for each field that was ignored, so many at most."""
        return list(_warnings(self._unknown))

    def beside(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer, with warnings where there are some to add."""
        mine = self.warnings
        if not mine:
            return dict(answer)
        return {**answer, "warnings": [*answer.get("warnings", ()), *mine]}


def _unknown_of(error: ValidationError) -> list[Path]:
    """Ask the models themselves: what they do not know, they have just refused."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return [fault["loc"] for fault in faults if fault["type"] == _UNKNOWN]


def _steps(value: Any, path: Path) -> Path:
    """Return the path as the caller writes it: a union's tag is no step of it."""
    steps: list[str | int] = []
    for part in path[:-1]:
        is_step = isinstance(value, list) or part in value
        if is_step:
            steps.append(part)
            value = value[part]
    return (*steps, path[-1])


def _pruned(value: Any, paths: list[Path]) -> Any:
    pruned = copy.deepcopy(value)
    for path in paths:
        within = pruned
        for part in path[:-1]:
            within = within[part]
        del within[path[-1]]
    return pruned


def _warnings(unknown: tuple[Path, ...]) -> Iterator[dict[str, str]]:
    for path in unknown[:WARNINGS_MAX]:
        name = ".".join(map(str, path))[:LONGEST_PATH]
        yield _warning(f"{name} is not a field of this request and was ignored.")
    if len(unknown) > WARNINGS_MAX:
        more = len(unknown) - WARNINGS_MAX
        yield _warning(f"{more} more fields are not of this request and were ignored.")


def _warning(message: str) -> dict[str, str]:
    return {"code": "unknown_field", "message": message}
