"""What a call of the client may raise.

    ClientError
    ├── ApiProblem       the gateway refused; it says why
    │   ├── Denied · NotFound · Conflict · Invalid
    │   └── Busy           a limit or an outage: the same call may succeed later
    ├── Unreachable      the gateway could not be reached, or answered nothing sound
    └── TransferFailed   bytes did not get to the bucket, or not whole from it

No text of these holds a key or a presigned URL.
"""

from dataclasses import dataclass


class ClientError(Exception):
    """The root; catch this one to catch them all."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field that was refused, by its dotted path, and why."""

    field: str
    message: str


class ApiProblem(ClientError):
    """The gateway's own answer: `code` for programs, `detail` for people.

    `request_id` finds it in the gateway's log; `retry_after_s` is when to come back.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        fields: tuple[Field, ...] = (),
        *,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{detail} ({code})")
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = fields
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class Denied(ApiProblem):
    """401 or 403: the key is not good, or not for this."""


class NotFound(ApiProblem):
    """404: nothing by that id that this key may see."""


class Conflict(ApiProblem):
    """409: it is not in a state that allows this."""


class Invalid(ApiProblem):
    """413, 415 or 422: it cannot succeed as sent; `fields` says where."""


class Busy(ApiProblem):
    """429 or 503: a limit, or something is away."""


class Unreachable(ClientError):
    """The gateway did not answer, or what answered is no cutroom gateway."""


class TransferFailed(ClientError):
    """An upload or a download ended early, was refused, or does not match what was said."""
