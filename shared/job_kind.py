"""The contract of one kind of job: its name, what it takes, what it gives, what it may cost."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import ErrorDetails, InitErrorDetails

from shared.errors import FieldError, ValidationFailed

Compute = Literal["gpu", "cpu", "by_route"]


class Wire(BaseModel):
    """A model that crosses the network: frozen, closed to unknown fields, no NaN.

    What people write takes its numbers from `shared/numbers.py`: `"5"` is none there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Rule(ValueError):
    """A kind's own rule is broken; `code` is the problem's code, as `duplicate_keyframe`."""

    def __init__(self, code: str, message: str, *, at: Sequence[str | int] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.at = tuple(at)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What the gateway knows of an input file before any worker has seen it."""

    size_bytes: int
    content_type: str
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class PriceRule:
    """How long an attempt may take, and how long it likely takes.

    `limit_s(input, files)`: the longest one attempt may run, from the input and the stored
    sizes alone, never from what a caller says of a duration. `likely_s`: the estimate shown
    beforehand; a caller's duration may inform it. Both in seconds on one worker. `files`
    is keyed by the dotted path of the reference in the input.
    """

    limit_s: Callable[[Any, Mapping[str, StoredFile]], float]
    likely_s: Callable[[Any, Mapping[str, StoredFile]], float]
    basis: str


In = TypeVar("In", bound=Wire)
Out = TypeVar("Out", bound=Wire)


@dataclass(frozen=True, slots=True)
class JobKind(Generic[In, Out]):
    """One kind of job. The name is also its module's place on both sides: a dot is a folder.

    `outputs` are the names of the files an attempt may publish, with the content type of
    each, or all that its input may choose among; a success without one of them is none,
    unless it is among `optional_outputs`. `asked_outputs(input)` are those of the optional
    ones that an input asks for; None where any of them may come of any input.
    `deadline_s` is the time from submission after which an unfinished job expires.
    """

    name: str
    version: int
    description: str
    input: type[In]
    output: type[Out]
    outputs: Mapping[str, str | tuple[str, ...]]
    stages: tuple[str, ...]
    compute: Compute
    price: PriceRule
    deadline_s: int
    optional_outputs: frozenset[str] = frozenset()
    asked_outputs: Callable[[Any], frozenset[str]] | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)

    def content_types(self, output: str) -> tuple[str, ...]:
        """Return what a file of this name may be; nothing where no output is called so."""
        types = self.outputs.get(output, ())
        return (types,) if isinstance(types, str) else types

    def outputs_of(self, job_input: In) -> tuple[str, ...]:
        """Return the names of what this input may make, in the order of `outputs`."""
        if self.asked_outputs is None:
            return tuple(self.outputs)
        without = self.optional_outputs - self.asked_outputs(job_input)
        return tuple(name for name in self.outputs if name not in without)

    def parse_input(self, raw: Any) -> In:
        """Return the checked input.

        Raises `ValidationFailed` that names each field, under `input`; its code is the
        kind's own where one rule of the kind is what was broken.
        """
        try:
            return self.input.model_validate(raw)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            raise refusal(found, under="input") from error


def refusal(faults: Iterable[Mapping[str, Any]], *, under: str = "") -> ValidationFailed:
    """Turn pydantic's findings into ours, under the field `under`.

    Where one rule of ours is what was broken, its code is the refusal's.
    """
    found, codes = [], set()
    for each in faults:
        rule = each.get("ctx", {}).get("error")
        at = (*each["loc"], *(rule.at if isinstance(rule, Rule) else ()))
        codes.add(rule.code if isinstance(rule, Rule) else None)
        path = (under, *at) if under else at
        message = str(each["msg"]).removeprefix("Value error, ")
        found.append(FieldError.at(path or ("body",), message))
    only = codes.pop() if len(codes) == 1 else None
    return ValidationFailed(found, code=only)


def _located_as_written(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError as error:
        faults = [_located(each) for each in error.errors(include_url=False)]
        raise ValidationError.from_exception_data(error.title, faults) from error


def _located(fault: ErrorDetails) -> InitErrorDetails:
    said = fault.get("ctx", {})
    tag = str(said.get("discriminator", "")).strip("'")  # of a fault that is the tag's own
    at = fault["loc"][1:] or ((tag,) if tag else ())
    return InitErrorDetails(type=fault["type"], loc=at, input=fault["input"], ctx=said)


# Behind a union's discriminator: `Annotated[A | B, Field(discriminator="type"), UNTAGGED]`.
# Left to itself, a fault names the tag as if it were a step of the way to it.
UNTAGGED = WrapValidator(_located_as_written)
