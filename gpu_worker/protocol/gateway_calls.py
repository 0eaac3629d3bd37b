"""The three calls of the worker protocol, as HTTP: `claim`, `outputs`, `reports`."""

import logging
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from gpu_worker.waiting.pace import Pace
from shared import traces
from shared.errors import CutroomError, OperatorMustAct, TryAgainLater

log = logging.getLogger(__name__)

Call = Literal["claim", "outputs", "reports"]
A = TypeVar("A", bound=BaseModel)

_LATER = frozenset({408, 425, 429})
_CONFLICT = 409


class Unreachable(TryAgainLater):
    """The gateway did not answer, or answered that it cannot now."""


class Superseded(CutroomError):
    """409: this worker has no say in this job, and touches nothing more."""

    code = "worker_lost"


class Refused(OperatorMustAct):
    """The gateway does not accept what we said, and would not if we said it again."""


@dataclass(frozen=True, slots=True)
class GatewayCalls:
    """One job's calls. Siblings of `claim_url`, whose path ends in `/claim`.

    `trace`, `fence`: of the attempt they are about, once it is known; the calls say so.
    """

    client: httpx.AsyncClient
    claim_url: str
    pace: Pace
    timeout_s: float = 5.0
    trace: str = ""
    fence: int = 0

    async def ask(
        self, call: Call, token: str, body: BaseModel, answer: type[A]
    ) -> tuple[A, datetime]:
        """Return the answer, and what the gateway's clock said as it answered.

        Raises `Unreachable`, `Superseded` or `Refused`; no text of theirs holds a URL.
        """
        try:
            response = await self.client.post(
                self.claim_url.removesuffix("/claim") + f"/{call}",
                content=body.model_dump_json().encode(),
                headers={
                    "authorization": f"Bearer {token}",
                    "content-type": "application/json",
                    **self._trace_header(),
                },
                timeout=self.timeout_s,
            )
        except httpx.RequestError as error:
            raise _unreachable(call, type(error).__name__) from error
        except httpx.InvalidURL as error:
            raise Refused(f"{call}: no usable URL", public="The claim URL is wrong.") from error
        _check(call, response.status_code)
        try:
            return answer.model_validate_json(response.content), self._spoken_at(response)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False, include_context=False)
            raise Refused(
                f"{call}: answer does not fit: {wrong[:3]}",
                public="The gateway's answer was not understood.",
            ) from error

    def _trace_header(self) -> dict[str, str]:
        """The attempt is the span its calls come from: its fence is the span's id."""
        header = traces.traceparent(self.trace, f"{self.fence:016x}")
        return {traces.HEADER: header} if traces.trace_of([header]) else {}

    def _spoken_at(self, response: httpx.Response) -> datetime:
        try:
            spoken_at = parsedate_to_datetime(response.headers["date"])
        except (KeyError, ValueError):
            return self.pace.utc_now()
        return spoken_at if spoken_at.tzinfo else self.pace.utc_now()


def _check(call: Call, status: int) -> None:
    if status == httpx.codes.OK:
        return
    if status == _CONFLICT:
        raise Superseded(f"{call}: told to stop", public="Another attempt has this job.")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status in _LATER:
        raise _unreachable(call, f"HTTP {status}")
    raise Refused(f"{call}: HTTP {status}", public=f"The gateway refused the {call}.")


def _unreachable(call: Call, why: str) -> Unreachable:
    return Unreachable(f"{call}: {why}", public="The gateway cannot be reached.")
