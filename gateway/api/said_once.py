"""What is said twice with two meanings: which one counts would be anybody's guess."""

from collections import Counter
from typing import Annotated, Any

from fastapi import Depends, Header, Request

from shared.errors import FieldError, ValidationFailed

_AGAIN = "is given more than once"


def doubled(request: Request) -> list[FieldError]:
    """Return a fault for each parameter of the query that is there more than once."""
    times = Counter(name for name, _ in request.query_params.multi_items())
    return [FieldError.at((name,), _AGAIN) for name, count in times.items() if count > 1]


def each_once(*names: str) -> Any:
    """Return a dependency that refuses these parameters where they are there again."""

    async def check(request: Request) -> None:
        if wrong := [each for each in doubled(request) if each.field in names]:
            raise ValidationFailed(wrong)

    return Depends(check)


async def _idempotency_key(
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")
    ] = None,
) -> str | None:
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise ValidationFailed([FieldError.at(("idempotency-key",), _AGAIN)])
    return idempotency_key


IdempotencyHeader = Annotated[str | None, Depends(_idempotency_key)]
