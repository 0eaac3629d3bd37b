"""What the store does wrong when a test asks for it."""

from dataclasses import dataclass, field
from enum import Enum, auto

from starlette.types import Message, Send

from infra.local.object_store.request import Request


class Wrong(Enum):
    """A way to fail."""

    UNAVAILABLE = auto()  # 503 before anything is done
    SLOW = auto()  # waits `delay_s`, then does as asked
    TRUNCATED = auto()  # a GET's body ends in the middle, and the connection with it
    WRONG_ETAG = auto()  # does as asked, and names another ETag
    DROPPED = auto()  # does as asked and never answers: the client's own time-out ends it


@dataclass(slots=True)
class _Fault:
    wrong: Wrong
    times: int
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
        self._coming.append(_Fault(wrong, times, method, key_prefix, delay_s))

    def clear(self) -> None:
        """Do nothing wrong any more."""
        self._coming.clear()

    @property
    def spent(self) -> bool:
        """True once every fault asked for has happened as often as it should."""
        return not any(fault.times for fault in self._coming)

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
