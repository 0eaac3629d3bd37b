"""Errors as a person reads them: one sentence, the fields, an exit status that says more."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from client.errors import ApiProblem, ClientError, Denied
from shared.errors import CutroomError, OperatorMustAct, ValidationFailed

FAILED, TYPED_WRONGLY, JOB_ENDED, DENIED, INTERRUPTED = 1, 2, 3, 4, 130
EXIT_STATUS = (
    "Exit status: 0 done; 1 refused, or not reached; 2 typed wrongly; "
    "3 the job failed, expired or was cancelled; 4 the key is not good for this; "
    "130 interrupted."
)


class CommandFailed(Exception):
    """A command cannot do what it was asked; the text says why to whoever typed it."""

    status = FAILED


class TypedWrongly(CommandFailed):
    """What was typed cannot be meant."""

    status = TYPED_WRONGLY


class JobEnded(CommandFailed):
    """The command was sound, and the job did not succeed."""

    status = JOB_ENDED


@contextmanager
def said_plainly() -> Iterator[None]:
    """Turn what a command may fail with into lines on stderr and an exit status."""
    try:
        yield
    except (ClientError, CutroomError, CommandFailed) as error:
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        for line in _lines(error):
            console.print(line, markup=False)
        raise typer.Exit(_status(error)) from error


def _status(error: Exception) -> int:
    match error:
        case CommandFailed():
            return error.status
        case Denied():
            return DENIED
        case _:
            return FAILED


def _lines(error: Exception) -> Iterator[str]:
    match error:
        case ApiProblem():
            yield f"error: {error}"
            yield from (f"  {each.field}: {each.message}" for each in error.fields)
            if error.status >= 500 and error.request_id:
                yield f"  request {error.request_id}"
        case ValidationFailed():
            yield f"error: {error.public}"
            yield from (f"  {each.field}: {each.message}" for each in error.errors)
        case OperatorMustAct():
            yield f"error: {error}"  # the operator is who reads this
        case CutroomError():
            yield f"error: {error.public}"
        case _:
            yield f"error: {error}"
