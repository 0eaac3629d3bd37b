"""What every answer says of itself to a browser, errors too; and how often a tenant may ask."""

from math import ceil

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.core.rates import Buckets, Standing

Pair = tuple[bytes, bytes]

POLICY, RATE = "RateLimit-Policy", "RateLimit"
# Development's own pages run scripts of another site; production has none of them.
PAGES = frozenset({"/docs", "/redoc"})
_CSP = b"content-security-policy"
_ALWAYS: tuple[Pair, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (_CSP, b"default-src 'none'; frame-ancestors 'none'"),
    # Nearly every answer names a tenant's things or carries signed URLs.
    (b"cache-control", b"no-store"),
)
_HTTPS_ONLY: Pair = (b"strict-transport-security", b"max-age=31536000")
_NAMES = frozenset(name for name, _ in (*_ALWAYS, _HTTPS_ONLY))
_STATE = "rate_headers"


class AnswerHeaders:
    """Adds headers to answers that do not have them of their own; leaves sockets alone.

    `is_https`: browsers are to use nothing else for this host, for a year.
    """

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self._app = app
        self._always = (*_ALWAYS, _HTTPS_ONLY) if is_https else _ALWAYS
        self._of_pages = tuple(pair for pair in self._always if pair[0] != _CSP)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        always = self._of_pages if scope["path"] in PAGES else self._always

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given: list[Pair] = message["headers"]
                told: tuple[Pair, ...] = scope.get("state", {}).get(_STATE, ())
                message["headers"] = [*given, *_without(always, given), *told]
            await send(message)

        await self._app(scope, receive, with_headers)


def _without(always: tuple[Pair, ...], given: list[Pair]) -> tuple[Pair, ...]:
    """Leave out what the answer says itself; most say none of it."""
    own = [name for name, _ in given if name in _NAMES]
    return tuple(pair for pair in always if pair[0] not in own) if own else always


def tell_rate(scope: Scope, buckets: Buckets, standing: Standing) -> None:
    """Let the answer say how the tenant's bucket stands.

    Fields of draft-ietf-httpapi-ratelimit-headers-10: `q` in `w` seconds are allowed, `r` are
    left, and after `t` seconds all are there again.
    """
    rate = b'"requests";r=%d;t=%d' % (standing.left, ceil(standing.full_in_s))
    policy = b'"requests";q=%d;w=%d' % (buckets.burst, buckets.window_s)
    told = ((b"ratelimit-policy", policy), (b"ratelimit", rate))
    scope.setdefault("state", {})[_STATE] = told
