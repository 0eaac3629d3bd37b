"""Errors as a person reads them: one sentence, the fields, exit status 1."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from client.errors import ApiProblem, ClientError
from shared.errors import CutroomError, OperatorMustAct, ValidationFailed


class CommandFailed(Exception):
    """A command cannot do what it was asked; the text says why to whoever typed it."""


@contextmanager
def said_plainly() -> Iterator[None]:
    """Turn what a command may fail with into a line on stderr and exit status 1."""
    try:
        yield
    except (ClientError, CutroomError, CommandFailed) as error:
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        for line in _lines(error):
            console.print(line, markup=False)
        raise typer.Exit(1) from error


def _lines(error: Exception) -> Iterator[str]:
    match error:
        case ApiProblem():
            yield f"error: {error}"
            yield from (f"  {each.field}: {each.message}" for each in error.fields)
        case ValidationFailed():
            yield f"error: {error.public}"
            yield from (f"  {each.field}: {each.message}" for each in error.errors)
        case OperatorMustAct():
            yield f"error: {error}"  # the operator is who reads this
        case CutroomError():
            yield f"error: {error.public}"
        case _:
            yield f"error: {error}"
