"""`Prefer: wait=N` (RFC 7240): how long a caller would rather wait than ask again."""

import re
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.requests import Request

from gateway.api.presence import while_there
from gateway.core.job import Job
from gateway.services.wait_for_end import WaitForEnd

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


def preferred_wait(request: Request) -> int | None:
    """Return the seconds the caller would rather wait; None where nothing is said of it."""
    return wait_of(request.headers.getlist("prefer"))


class UntilPreferred:
    """Holds a request as long as its caller would rather wait.

    A route calls it with a job. `headers`: those of the answer, where what was granted is said.
    """

    def __init__(
        self, wait_for_end: WaitForEnd, request: Request, headers: MutableHeaders
    ) -> None:
        self._wait_for_end, self._request, self._headers = wait_for_end, request, headers

    async def __call__(self, job: Job) -> Job:
        """Return the job at its end, or as it is when the wait is over or not granted.

        A caller who goes is waited for no longer.
        """
        wait_s = preferred_wait(self._request)
        if wait_s is None:
            return job
        waiting = self._wait_for_end(job, wait_s)
        waited = await while_there(self._request.receive, waiting)
        if waited is None:
            return job
        if waited.wait_s is not None:
            self._headers.update(applied(waited.wait_s))
        return waited.job
