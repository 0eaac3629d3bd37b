"""Requests to addresses that a user or a provider chose: the one way there is to make one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from shared.errors import TryAgainLater

LONGEST_ANSWER_BYTES = 64 * 2**10


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """What is sent. The URL may hold a secret of its owner's, headers and body do as well.

    `timeout_s` is for everything together, from the name's look-up to the answer's last
    byte. At most `answer_bytes` of the answer's body are read.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    timeout_s: float = 15.0
    answer_bytes: int = LONGEST_ANSWER_BYTES


@dataclass(frozen=True, slots=True)
class OutgoingAnswer:
    """What came back, whatever its status; a redirect is an answer like any other.

    Header names are lower case. `cut`: there was more of the body than was asked for.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    cut: bool = False


class TargetUnreachable(TryAgainLater):
    """No answer: no such name for now, no connection, no TLS, no time left. Says which."""

    def __init__(self, why: str) -> None:
        super().__init__(why, public=f"The address did not answer: {why}.")
        self.why = why


class Outgoing(Protocol):
    """Every implementation passes `tests/conformance/test_outgoing.py`.

    A name is looked up once; every address it leads to is checked by the rules of
    `gateway/core/targets.py`, and a connection goes to one that was checked. Redirects are
    not followed, and no proxy of the environment is used.
    """

    async def check(self, url: str) -> None:
        """Return where the URL may be called, as things stand, without calling it.

        Raises `TargetRefused`, also for a name that leads nowhere, and `TargetUnreachable`
        where names cannot be looked up just now.
        """

    async def send(self, request: OutgoingRequest) -> OutgoingAnswer:
        """Send it and return what came back.

        Raises `TargetRefused` where nothing may be sent there (a name that leads nowhere is
        `TargetUnreachable` here: it did lead somewhere once), and `TargetUnreachable`.
        """
