"""What jobs have cost: `GET /v1/usage`."""

import re
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BeforeValidator
from starlette.requests import HTTPConnection

from gateway.api.auth import Reader
from gateway.api.said_once import doubled
from gateway.core.pricing import usd
from gateway.ports.budgets import UsageBy, UsageRow
from gateway.services.read_usage import ReadUsage
from shared.errors import FieldError, ValidationFailed

KNOWN: Final = frozenset({"from", "to", "by"})
_DAY: Final = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}")

router = APIRouter(prefix="/v1", tags=["usage"])


def _plain(value: Any) -> Any:
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("must be a day of this millennium, such as 2026-11-21")
    return value


async def _only_known(request: Request) -> None:
    wrong = doubled(request)
    wrong += [
        FieldError.at((name,), "is no parameter of this list")
        for name in request.query_params
        if name not in KNOWN
    ]
    if wrong:
        raise ValidationFailed(wrong)


async def _read_usage(connection: HTTPConnection) -> ReadUsage:
    found: ReadUsage = connection.app.state.read_usage
    return found


@router.get("/usage")
async def read_usage(
    caller: Reader,
    _: Annotated[None, Depends(_only_known)],
    usage: Annotated[ReadUsage, Depends(_read_usage)],
    first: Annotated[date | None, Query(alias="from"), BeforeValidator(_plain)] = None,
    last: Annotated[date | None, Query(alias="to"), BeforeValidator(_plain)] = None,
    by: UsageBy = UsageBy.DAY,
) -> dict[str, Any]:
    """Add up what the jobs of some days have cost."""
    found = await usage(caller.tenant, first, last, by)
    return {
        "from": found.first.isoformat(),
        "to": found.last.isoformat(),
        "by": found.by.value,
        "rows": [{found.by.value: each.name, **_figures(each)} for each in found.rows],
        "total": _figures(found.total),
    }


def _figures(row: UsageRow) -> dict[str, Any]:
    return {
        "jobs": row.jobs,
        "attempts": row.attempts,
        "reserved_usd": usd(row.reserved_micro_usd),
        "spent_usd": usd(row.spent_micro_usd),
    }
