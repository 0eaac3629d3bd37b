"""The query of a list of jobs: read strictly, so that a slip narrows nothing in silence."""

from typing import Annotated

from fastapi import Depends, Query, Request

from gateway.api.plain_numbers import PLAIN_WHOLE
from gateway.api.said_once import doubled
from gateway.core.job import Status
from gateway.core.job_pages import JobFilter
from shared.errors import FieldError, ValidationFailed

KNOWN = frozenset({"status", "kind", "parent_id", "limit", "cursor"})
LABEL = "label."
LONGEST_LABEL = 64
MOST_LABELS = 16  # each is one more look-up for every job of the first


async def _labels(request: Request) -> dict[str, str]:
    """Return what `label.<name>=<value>` asks for; refuse what is unknown or said twice."""
    labels: dict[str, str] = {}
    wrong = doubled(request)
    for parameter, value in request.query_params.multi_items():
        name = parameter.removeprefix(LABEL)
        if parameter.startswith(LABEL) and len(labels) == MOST_LABELS:
            wrong.append(FieldError.at((parameter,), f"at most {MOST_LABELS} labels are taken"))
        elif parameter.startswith(LABEL):
            if 1 <= len(name) <= LONGEST_LABEL and 1 <= len(value) <= LONGEST_LABEL:
                labels[name] = value
            else:
                wrong.append(
                    FieldError.at((parameter,), "name and value have 1 to 64 characters")
                )
        elif parameter not in KNOWN:
            wrong.append(FieldError.at((parameter,), "is no parameter of this list"))
    if wrong:
        raise ValidationFailed(wrong)
    return labels


async def _job_filter(
    labels: Annotated[dict[str, str], Depends(_labels)],
    status: Annotated[Status | None, Query()] = None,
    kind: Annotated[str | None, Query(min_length=1, max_length=128)] = None,
    parent_id: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
) -> JobFilter:
    return JobFilter(status, kind, parent_id, labels)


AskedFilter = Annotated[JobFilter, Depends(_job_filter)]
PageLimit = Annotated[int, Query(ge=1, le=100), PLAIN_WHOLE]
