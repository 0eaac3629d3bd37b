"""The guarded fetcher over real HTTP: connects to the address that was checked, to no other."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from gateway.core.targets import Target, TargetRules
from gateway.ports.outgoing import (
    Outgoing,
    OutgoingAnswer,
    OutgoingRequest,
    TargetUnreachable,
)

if TYPE_CHECKING:
    import httpx

# Returns the addresses a name leads to, none where there is no such name; raises
# `TargetUnreachable` where that cannot be told just now.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

LOOK_UP_S = 5.0
LOOK_UPS = 8  # at once
CONNECT_S = 5.0
ADDRESSES_TRIED = 3
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


class SystemNames:
    """Looks names up as the machine does, a few at once, in threads of its own.

    A name whose server hangs holds its thread for as long as the machine is patient; the
    loop's own threads, which the bucket is called from, are not for that.
    """

    def __init__(self, look_up: Callable[..., list[Any]] = socket.getaddrinfo) -> None:
        self._look_up = look_up
        self._threads: ThreadPoolExecutor | None = None

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses, each once; raise `TargetUnreachable`."""
        self._threads = self._threads or ThreadPoolExecutor(LOOK_UPS, "names")
        looking = partial(self._look_up, host, port, type=socket.SOCK_STREAM)
        try:
            async with asyncio.timeout(LOOK_UP_S):
                found = await asyncio.get_running_loop().run_in_executor(self._threads, looking)
        except socket.gaierror as error:
            if error.errno in _NO_SUCH_NAME:
                return []
            raise TargetUnreachable("the name cannot be looked up") from error
        except (OSError, UnicodeError, TimeoutError) as error:
            raise TargetUnreachable("the name cannot be looked up") from error
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def close(self) -> None:
        """Let go of the threads; one that is busy ends by itself."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)


class HttpOutgoing(Outgoing):
    """Each request has a connection of its own, made to a number and held to the name.

    The name stands in `Host`, in TLS's SNI and in what the certificate is checked against.
    Nothing is kept between requests but what TLS trusts, which `trust` returns (it blocks);
    by itself that is the list of authorities that httpx brings.
    """

    def __init__(
        self,
        rules: TargetRules,
        *,
        resolve: Resolve,
        trust: Callable[[], ssl.SSLContext] | None = None,
        connect_s: float = CONNECT_S,
    ) -> None:
        self._rules = rules
        self._resolve = resolve
        self._trust = trust or _usual_trust
        self._connect_s = connect_s
        self._trusted: ssl.SSLContext | None = None

    @override
    async def check(self, url: str) -> None:
        target = self._rules.read(url)
        self._rules.check(target, await self._addresses(target))

    @override
    async def send(self, request: OutgoingRequest) -> OutgoingAnswer:
        target = self._rules.read(request.url)
        try:
            async with asyncio.timeout(request.timeout_s):
                addresses = await self._addresses(target)
                if not addresses:
                    raise TargetUnreachable("the name leads nowhere")
                self._rules.check(target, addresses)
                return await self._send_to(target, _to_try(addresses), request)
        except TimeoutError as error:
            raise TargetUnreachable("no answer in time") from error

    async def _addresses(self, target: Target) -> Sequence[str]:
        if target.address is not None:
            return [target.host]
        return await self._resolve(target.host, target.port)

    async def _send_to(
        self, target: Target, addresses: Sequence[str], request: OutgoingRequest
    ) -> OutgoingAnswer:
        """Try one address after the other until one takes the connection."""
        import httpx  # noqa: PLC0415 - a cold start that serves a status poll calls nobody

        if self._trusted is None:
            self._trusted = await asyncio.to_thread(self._trust)
        # A client for each request: a pool would hand a connection whose certificate was
        # checked for one name to another name at the same address. No proxy, no netrc.
        async with httpx.AsyncClient(verify=self._trusted, trust_env=False) as client:
            # Each takes a connection and a handshake, which end before all else is cut off:
            # a handshake that is cut off leaves its socket to the garbage collector.
            connect_s = min(self._connect_s, request.timeout_s / (2 * len(addresses) + 1))
            for left, address in zip(reversed(range(len(addresses))), addresses, strict=True):
                try:
                    return await _ask(client, target, address, request, connect_s)
                except httpx.HTTPError as error:
                    connected = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                    if connected or not left:
                        raise TargetUnreachable(_why(error)) from error
        raise TargetUnreachable("the name leads nowhere")


def _to_try(addresses: Sequence[str]) -> list[str]:
    """Return a few, of each family one before others: a machine may be without IPv6."""
    families: dict[bool, list[str]] = {}
    for each in addresses:
        families.setdefault(":" in each, []).append(each)
    firsts = [family[0] for family in families.values()]
    return [*firsts, *(each for each in addresses if each not in firsts)][:ADDRESSES_TRIED]


def _usual_trust() -> ssl.SSLContext:
    import httpx  # noqa: PLC0415

    return httpx.create_ssl_context(trust_env=False)


async def _ask(
    client: "httpx.AsyncClient",
    target: Target,
    address: str,
    request: OutgoingRequest,
    connect_s: float,
) -> OutgoingAnswer:
    import httpx  # noqa: PLC0415

    asked = client.build_request(
        request.method,
        httpx.URL(
            scheme=target.scheme, host=address, port=target.port, raw_path=target.path.encode()
        ),
        # Packed, an answer of some bytes could be one of gigabytes.
        headers={"accept-encoding": "identity", **request.headers, "host": target.authority},
        content=request.body,
        timeout=httpx.Timeout(request.timeout_s, connect=connect_s),
        extensions={"sni_hostname": target.host},
    )
    answer = await client.send(asked, stream=True, follow_redirects=False)
    try:
        body, cut = await _body(answer, request.answer_bytes)
    finally:
        await answer.aclose()
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return OutgoingAnswer(answer.status_code, headers, body, cut)


async def _body(answer: "httpx.Response", most_bytes: int) -> tuple[bytes, bool]:
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > most_bytes:
            return bytes(body[:most_bytes]), True
    return bytes(body), False


def _why(error: "httpx.HTTPError") -> str:
    """Say what went wrong in our own words: a library's may hold the address."""
    import httpx  # noqa: PLC0415

    match error:
        case httpx.ConnectError() if _caused_by(error, ssl.SSLCertVerificationError):
            return "its certificate is not trusted"
        case httpx.ConnectError() if _caused_by(error, ssl.SSLError):
            return "it speaks no TLS that we do"
        case httpx.ConnectError():
            return "no connection could be made"
        case httpx.ConnectTimeout():
            return "no connection in time"
        case httpx.TimeoutException():
            return "no answer in time"
        case httpx.RemoteProtocolError():
            return "what it answers is no HTTP"
        case _:
            return "the connection broke"


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error is not None
