"""What a call of the client may raise.

    ClientError
    ├── ApiProblem       the gateway refused; it says why
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
    """The gateway's own answer: `code` for programs, `detail` for people."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        fields: tuple[Field, ...] = (),
        *,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{detail} ({code})")
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = fields
        self.retry_after_s = retry_after_s


class Unreachable(ClientError):
    """The gateway did not answer, or what answered is no cutroom gateway."""


class TransferFailed(ClientError):
    """An upload or a download ended early, was refused, or does not match what was said."""
