"""`Prefer: wait=N` (RFC 7240): how long a caller would rather wait than ask again."""

import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Request, Response

from gateway.api.presence import while_there
from gateway.api.use_cases import JobUseCases
from gateway.core.job import Job

APPLIED = "Preference-Applied"
LONGEST_HEADER = 1000
_PREFERENCE = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')  # a comma in quotes parts nothing
_WAIT = re.compile(r'\s*wait\s*=\s*("?)([0-9]{1,9})\1\s*', re.IGNORECASE)


def wait_of(headers: Sequence[str]) -> int | None:
    """Return the seconds of the first `wait`; None where there is none, or no number.

    Section 2: of a preference said twice the first counts, and one that is not
    understood is as if it had not been said.
    """
    line = ",".join(headers)
    if len(line) > LONGEST_HEADER:
        return None
    for preference in _PREFERENCE.findall(line):
        said, _, _ = preference.partition(";")
        name, _, _ = said.partition("=")
        if name.strip().lower() == "wait":
            found = _WAIT.fullmatch(said)
            return int(found[2]) if found else None
    return None


def applied(wait_s: int) -> dict[str, str]:
    """Return the header that says how long a wait was granted."""
    return {APPLIED: f"wait={wait_s}"}


def _preferred_wait(request: Request) -> int | None:
    return wait_of(request.headers.getlist("prefer"))


PreferredWait = Annotated[int | None, Depends(_preferred_wait)]


async def as_preferred(
    wait_s: int | None, job: Job, jobs: JobUseCases, request: Request, response: Response
) -> Job:
    """Return the job at its end, or as it is when the wait is over or was not granted.

    Says on `response` what was granted. A caller who goes away is waited for no longer.
    """
    if wait_s is None:
        return job
    waited = await while_there(request.receive, jobs.wait_for_end(job, wait_s))
    if waited is None:
        return job
    if waited.wait_s is not None:
        response.headers.update(applied(waited.wait_s))
    return waited.job
