"""JSON over HTTP to the gateway: repeated while it is away, its refusals raised."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from client.errors import ApiProblem, Field, Unreachable

Sleep = Callable[[float], object]

TIMEOUT = httpx.Timeout(10.0, read=35.0)  # a poll is held up to 25 s
# 17 s in all: a gateway that restarts is waited for.
PAUSES_S = (0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0)
LONGEST_PAUSE_S = 10.0
AWAY = frozenset({502, 503, 504})
# A proxy from the environment has no business between a program and its own machine.
NO_PROXY: Mapping[str, httpx.BaseTransport | None] = {
    "all://127.0.0.1": None,
    "all://localhost": None,
    "all://[::1]": None,
}


class ApiCalls:
    """Calls of one gateway under one key. Every call here may be repeated without harm."""

    def __init__(self, base_url: str, api_key: str, sleep: Sleep) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise Unreachable("the server's address begins with http:// or https://")
        if not (api_key.isascii() and api_key.isprintable()):
            raise Unreachable("the key holds characters that no key has")
        self.http = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=TIMEOUT,
            mounts=NO_PROXY,
        )
        self.sleep = sleep

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON at a path. Raises `ApiProblem`, `Unreachable`."""
        return self._call("GET", path, params=params)

    def post(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Any:
        """Return the JSON that answers a body. Raises `ApiProblem`, `Unreachable`."""
        return self._call("POST", path, json=dict(body), headers=headers)

    def _call(self, method: str, path: str, **given: Any) -> Any:
        for pause_s in (*PAUSES_S, None):
            wait_s = pause_s or 0.0
            try:
                answer = self.http.request(method, path, **given)
            except httpx.TransportError as error:
                if pause_s is None:
                    raise Unreachable("the server does not answer") from error
            else:
                if answer.is_success:
                    return _json(answer)
                refused = problem_of(answer)
                if pause_s is None or answer.status_code not in AWAY:
                    raise refused
                wait_s = min(refused.retry_after_s or wait_s, LONGEST_PAUSE_S)
            self.sleep(wait_s)
        raise AssertionError("the last turn returns or raises")


def problem_of(answer: httpx.Response) -> ApiProblem:
    """Return a refusal as an error; also one that a proxy on the way made up."""
    retry_after = answer.headers.get("retry-after", "")
    retry_after_s = float(retry_after) if retry_after.isdecimal() else None
    try:
        body = answer.json()
        return ApiProblem(
            answer.status_code,
            str(body["code"]),
            str(body["detail"]),
            tuple(Field(str(e["field"]), str(e["message"])) for e in body.get("errors", ())),
            retry_after_s=retry_after_s,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        detail = f"The server answered {answer.status_code} {answer.reason_phrase}."
        return ApiProblem(
            answer.status_code,
            f"http_{answer.status_code}",
            detail,
            retry_after_s=retry_after_s,
        )


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json() if answer.content else None
    except ValueError as error:
        raise Unreachable("what answers there is no cutroom gateway") from error
