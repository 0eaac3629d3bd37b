"""Addresses in memory: names, what they lead to, and who answers there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from typing_extensions import override

from gateway.core.targets import Target, TargetRules
from gateway.ports.outgoing import (
    Outgoing,
    OutgoingAnswer,
    OutgoingRequest,
    TargetUnreachable,
)

Receiver = Callable[[OutgoingRequest], Awaitable[OutgoingAnswer]]


@dataclass(slots=True)
class MemoryOutgoing(Outgoing):
    """`names` lead to addresses, and at `(address, port)` a receiver answers.

    `connections`: every address that was called, in order.
    """

    rules: TargetRules = field(default_factory=TargetRules)
    names: dict[str, list[str]] = field(default_factory=dict)
    receivers: dict[tuple[str, int], Receiver] = field(default_factory=dict)
    connections: list[tuple[str, int]] = field(default_factory=list)

    @override
    async def check(self, url: str) -> None:
        target = self.rules.read(url)
        self.rules.check(target, self._addresses(target))

    @override
    async def send(self, request: OutgoingRequest) -> OutgoingAnswer:
        target = self.rules.read(request.url)
        addresses = self._addresses(target)
        if not addresses:
            raise TargetUnreachable("the name leads nowhere")
        self.rules.check(target, addresses)
        for address in addresses:
            self.connections.append((address, target.port))
            receiver = self.receivers.get((address, target.port))
            if receiver is not None:
                answer = await receiver(request)
                body = answer.body[: request.answer_bytes]
                cut = len(answer.body) > len(body)
                return OutgoingAnswer(answer.status, answer.headers, body, cut)
        raise TargetUnreachable("no connection could be made")

    def _addresses(self, target: Target) -> list[str]:
        return [target.host] if target.address else self.names.get(target.host, [])
