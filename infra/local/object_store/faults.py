"""What the store does wrong when a test asks for it."""

from dataclasses import dataclass, field
from enum import Enum, auto

from starlette.types import Message, Send

from infra.local.object_store.refusal import Refusal
from infra.local.object_store.reply import Reply
from infra.local.object_store.request import Request


class Wrong(Enum):
    """A way to fail."""

    UNAVAILABLE = auto()  # 503 before anything is done
    REFUSED = auto()  # 403 before anything is done
    EXPIRED = auto()  # 403 before anything is done, as to a URL that is too old
    TAKEN = auto()  # 412 before anything is done
    MISSING = auto()  # 404 though it is there
    SLOW = auto()  # waits `delay_s`, then does as asked
    TRUNCATED = auto()  # a GET's body ends in the middle, and the connection with it
    WRONG_ETAG = auto()  # does as asked, and names another ETag
    WRONG_SIZE = auto()  # a HEAD says one byte more than there is
    DROPPED = auto()  # does as asked and never answers: the client's own time-out ends it
    UNHEARD = auto()  # does as asked, and breaks the connection off instead of an answer
    CUT_OFF = auto()  # breaks the connection off in the middle of a body; nothing is stored
    LOST = auto()  # answers a PUT as if it had been stored


REFUSALS = {
    Wrong.UNAVAILABLE: (503, "ServiceUnavailable", "Try again."),
    Wrong.REFUSED: (403, "AccessDenied", "Access denied."),
    Wrong.EXPIRED: (403, "ExpiredRequest", "The request has expired."),
    Wrong.TAKEN: (412, "PreconditionFailed", "An object is stored under this key."),
    Wrong.MISSING: (404, "NoSuchKey", "The specified key does not exist."),
}


@dataclass(slots=True)
class _Fault:
    wrong: Wrong
    times: int
    asked_for: int
    method: str | None
    key_prefix: str
    delay_s: float


@dataclass(slots=True)
class Faults:
    """Faults to come, each for so many requests."""

    _coming: list[_Fault] = field(default_factory=list)

    def add(
        self,
        wrong: Wrong,
        *,
        times: int = 1,
        method: str | None = None,
        key_prefix: str = "",
        delay_s: float = 0.0,
    ) -> None:
        """Let the next `times` requests with this method and prefix go wrong so."""
        self._coming.append(_Fault(wrong, times, times, method, key_prefix, delay_s))

    def clear(self) -> None:
        """Do nothing wrong any more."""
        self._coming.clear()

    @property
    def spent(self) -> bool:
        """True once every fault asked for has happened as often as it should."""
        return not any(fault.times for fault in self._coming)

    @property
    def never(self) -> list[Wrong]:
        """What was asked for and has not happened once."""
        return [each.wrong for each in self._coming if each.times == each.asked_for]

    def take(self, request: Request) -> tuple[set[Wrong], float]:
        """Return what goes wrong with this request, and how long it waits."""
        hit = [
            fault
            for fault in self._coming
            if fault.times
            and fault.method in {None, request.method}
            and request.key.startswith(fault.key_prefix)
        ]
        for fault in hit:
            fault.times -= 1
        return {fault.wrong for fault in hit}, sum(fault.delay_s for fault in hit)


def refuse(wrong: set[Wrong]) -> None:
    """Raise the `Refusal` a request is answered with before anything is done, if any."""
    for each, (status, code, message) in REFUSALS.items():
        if each in wrong:
            later = {"retry-after": "1"} if each is Wrong.UNAVAILABLE else {}
            raise Refusal(status, code, message, later)


def spoil(reply: Reply, wrong: set[Wrong]) -> None:
    """Let an answer say what is not so."""
    if Wrong.WRONG_ETAG in wrong:
        others = [each for each in reply.headers if each[0] != "etag"]
        reply.headers[:] = [*others, ("etag", f'"{"0" * 32}"')]


async def break_off(send: Send) -> None:
    """Promise an answer that never comes: the server ends such a connection."""
    headers = [(b"content-length", b"1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


def cut_short(send: Send, length: int, wrong: set[Wrong]) -> Send:
    """Return a `send` that promises more than it lets through, if the answer is to break.

    The server ends the connection of an answer that its app left unfinished.
    """
    if Wrong.TRUNCATED not in wrong:
        return send
    left = length // 2

    async def cut(message: Message) -> None:
        nonlocal left
        if message["type"] == "http.response.start":
            headers = [each for each in message["headers"] if each[0] != b"content-length"]
            promised = (b"content-length", str(length + 1).encode())
            await send({**message, "headers": [*headers, promised]})
            return
        block = message.get("body", b"")[:left]
        left -= len(block)
        await send({"type": "http.response.body", "body": block, "more_body": True})

    return cut
