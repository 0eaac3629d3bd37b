"""JSON over HTTP to the gateway: repeated where that does no harm, its refusals raised."""

import ssl
from collections.abc import Mapping
from typing import Any

import httpx

from client.errors import ApiProblem, Unreachable
from client.patience import Patience
from client.problems import problem_of

TIMEOUT = httpx.Timeout(10.0, read=35.0)  # a poll is held up to 25 s
TOO_MANY = 429
AWAY = frozenset({502, 503, 504})
# Limits that seconds do not lift.
SPENT = frozenset({"budget_exceeded", "quota_exceeded"})
KEY_HEADER = "Idempotency-Key"
# A proxy from the environment has no business between a program and its own machine.
NO_PROXY: Mapping[str, httpx.BaseTransport | None] = {
    "all://127.0.0.1": None,
    "all://localhost": None,
    "all://[::1]": None,
}


class ApiCalls:
    """Calls of one gateway under one key.

    Repeated are GETs, POSTs under an idempotency key, and those that the contract says do
    nothing new when repeated: where no answer came, and on 429, 502, 503 and 504. Nothing
    else is. Raises `ApiProblem`, `Unreachable`.
    """

    def __init__(
        self, base_url: str, api_key: str, patience: Patience, trusted: ssl.SSLContext
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise Unreachable("the server's address begins with http:// or https://")
        if not (api_key.isascii() and api_key.isprintable()):
            raise Unreachable("the key holds characters that no key has")
        self.http = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=TIMEOUT,
            verify=trusted,
            mounts=NO_PROXY,
        )
        self.patience = patience

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON at a path."""
        return _json(self._call(True, "GET", path, params=params))

    def post(
        self,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        *,
        repeatable: bool = False,
    ) -> Any:
        """Return the JSON that answers a body.

        `repeatable`: the contract says that a repeat of this call does nothing new.
        """
        may_repeat = repeatable or KEY_HEADER in (headers or {})
        return _json(self._call(may_repeat, "POST", path, json=dict(body), headers=headers))

    def delete(self, path: str) -> None:
        """Delete what is at a path."""
        self._call(False, "DELETE", path)

    def location(self, path: str) -> str:
        """Return where a path sends on to."""
        answer = self._call(True, "GET", path)
        if not answer.has_redirect_location:
            raise Unreachable("the server does not say where the file is")
        return str(answer.headers["location"])

    def _call(self, may_repeat: bool, method: str, path: str, **given: Any) -> httpx.Response:
        failed = 0
        while True:
            try:
                return self._once(method, path, **given)
            except (ApiProblem, Unreachable) as error:
                failed += 1
                pause_s = self._pause_s(error, failed) if may_repeat else None
                if pause_s is None:
                    raise
            self.patience.sleep(pause_s)

    def _once(self, method: str, path: str, **given: Any) -> httpx.Response:
        try:
            answer = self.http.request(method, path, **given)
        except httpx.TransportError as error:
            raise Unreachable("the server does not answer") from error
        if answer.is_error:
            raise problem_of(answer)
        return answer

    def _pause_s(self, error: ApiProblem | Unreachable, failed: int) -> float | None:
        if isinstance(error, Unreachable):
            return self.patience.pause_s(failed)
        is_limit = error.status == TOO_MANY and error.code not in SPENT
        if not (is_limit or error.status in AWAY):
            return None
        return self.patience.pause_s(failed, error.retry_after_s)


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json() if answer.content else None
    except ValueError as error:
        raise Unreachable("what answers there is no cutroom gateway") from error
