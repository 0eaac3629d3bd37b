"""Errors, sorted by whose move comes next, and the one table of codes.

    CutroomError
    ├── CallerMustChange   the request cannot succeed as sent
    │   ├── Unauthenticated · Forbidden · NotFound · Conflict
    │   ├── ValidationFailed   names each field
    │   └── TooLarge · HeadTooLarge · TooSlow · UnsupportedMediaType
    ├── TryAgainLater      a dependency or a limit stood in the way
    ├── OperatorMustAct    we are misconfigured or mistaken
    └── JobFailed          an attempt's end: a code of the table, told to the person

Each carries two texts: `public` may reach a customer; `str(error)` may not, for it can
name buckets, hosts and rows, and goes to the log alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, Self

LONGEST_FIELD, LONGEST_MESSAGE = 200, 500


class Who(StrEnum):
    """Whose move is next after a job failed."""

    CALLER = "caller"
    OPERATOR = "operator"
    PROVIDER = "provider"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class FailureCode:
    """One row of the table of job failures.

    `retryable`: may another attempt succeed with nothing changed? `sentence` is what a
    person reads where the attempt left no better words.
    """

    retryable: bool
    who: Who
    sentence: str


_CALLER, _OPERATOR, _NOBODY = Who.CALLER, Who.OPERATOR, Who.NOBODY

FAILURES: Mapping[str, FailureCode] = MappingProxyType(
    {
        "invalid_request": FailureCode(False, _CALLER, "The request cannot be carried out."),
        "content_policy": FailureCode(False, _CALLER, "The provider refused this content."),
        "input_missing": FailureCode(False, _CALLER, "An input file is no longer there."),
        "input_unreadable": FailureCode(
            False, _CALLER, "The file cannot be read as a video. Export it again and retry."
        ),
        "invalid_range": FailureCode(
            False, _CALLER, "The time range lies outside the video. Choose an earlier start."
        ),
        "budget_exceeded": FailureCode(False, _CALLER, "The budget is spent."),
        "rate_limit": FailureCode(True, _NOBODY, "A provider asks us to slow down."),
        "temporary": FailureCode(True, _NOBODY, "A provider is unavailable for a moment."),
        "outcome_unknown": FailureCode(
            False, _OPERATOR, "A paid call's outcome could not be settled."
        ),
        "auth_error": FailureCode(False, _OPERATOR, "A provider refused the service."),
        "provider_quota": FailureCode(False, _OPERATOR, "A provider's quota is spent."),
        "provider_retired": FailureCode(False, _OPERATOR, "A provider's model is gone."),
        "timeout": FailureCode(True, _NOBODY, "The work took longer than it may."),
        "worker_lost": FailureCode(True, _NOBODY, "The worker was lost."),
        "storage_error": FailureCode(True, _NOBODY, "A file could not be stored or read."),
        "persist_error": FailureCode(True, _NOBODY, "The result could not be recorded."),
        "children_failed": FailureCode(False, _CALLER, "Some parts could not be made."),
        "dependency_failed": FailureCode(False, _CALLER, "Something this needs has failed."),
        "out_of_memory": FailureCode(False, _OPERATOR, "The work needs more memory."),
        "internal": FailureCode(False, _OPERATOR, "Something went wrong on our side."),
    }
)


class CutroomError(Exception):
    """The root. Raise one of those below it, never this."""

    code: ClassVar[str] = "internal"

    def __init__(self, detail: str, *, public: str, code: str | None = None) -> None:
        super().__init__(detail)
        self.public = public
        self.what = code or type(self).code


class CallerMustChange(CutroomError):
    """The request cannot succeed as sent; sending it again is no use."""

    code = "invalid_request"


class Unauthenticated(CallerMustChange):
    """No credential, or one that is wrong, revoked or expired."""

    code = "unauthenticated"


class Forbidden(CallerMustChange):
    """A good credential without the scope this needs."""

    code = "forbidden"


class NotFound(CallerMustChange):
    """Nothing by that name that this tenant may see."""

    code = "not_found"


class Conflict(CallerMustChange):
    """The thing asked about is not in a state that allows it."""

    code = "conflict"


class TooLarge(CallerMustChange):
    """A body or a file over its limit."""

    code = "payload_too_large"


class HeadTooLarge(CallerMustChange):
    """More headers than are taken, or more bytes of them."""

    code = "headers_too_large"


class TooSlow(CallerMustChange):
    """A body that did not come in the time there is for one."""

    code = "request_timeout"


class UnsupportedMediaType(CallerMustChange):
    """A body or a file of a type that is not taken."""

    code = "unsupported_media_type"


class TryAgainLater(CutroomError):
    """Nothing is wrong with the request; a dependency or a limit stood in its way.

    `retry_after_s` is when to come back, in seconds. A code of a limit answers 429, any
    other 503.
    """

    code = "unavailable"

    def __init__(
        self, detail: str, *, public: str, code: str | None = None, retry_after_s: int = 1
    ) -> None:
        super().__init__(detail, public=public, code=code)
        self.retry_after_s = retry_after_s


class OperatorMustAct(CutroomError):
    """We are misconfigured or mistaken; neither the caller nor time will mend it."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that was refused, by its dotted path, and why."""

    field: str
    message: str

    @classmethod
    def at(cls, path: Sequence[str | int], message: str) -> Self:
        """Name the field the way a caller would write it: `input.ratio.0`.

        What the caller wrote is repeated so far, and no further. What has no name is the
        body.
        """
        field = ".".join(map(str, path)) or "body"
        return cls(field[:LONGEST_FIELD], message[:LONGEST_MESSAGE])


class ValidationFailed(CallerMustChange):
    """A request that does not fit its model.

    `code` may name one rule of a kind (`duplicate_keyframe`), else `validation_failed`.
    """

    code = "validation_failed"

    def __init__(self, errors: Sequence[FieldError], *, code: str | None = None) -> None:
        names = ", ".join(error.field for error in errors[:10])
        super().__init__(f"refused: {names}", public=f"Not accepted: {names}.", code=code)
        self.errors = tuple(errors)


class JobFailed(CutroomError):
    """An attempt cannot go on. Raised by a kind's work, reported, and shown to the person."""

    def __init__(self, code: str, public: str = "", *, detail: str = "") -> None:
        if code not in FAILURES:
            raise ValueError(f"{code!r} is no failure code")
        super().__init__(
            detail or public or code, public=public or FAILURES[code].sentence, code=code
        )
