"""Who comes in, and how often: keys, suspended tenants, rates, and guessing at keys.

Rates are counted in this process alone: of two gateways each has buckets of its own.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from gateway.core.api_keys import Caller
from gateway.core.rates import Buckets, Standing
from gateway.core.tenants import suspended
from gateway.services.api_keys import ApiKeys
from shared.errors import TryAgainLater, Unauthenticated

KNOWN_MAX = 1000
_NETWORK = 64  # bits of an IPv6 address that one customer is given


class TooManyRequests(TryAgainLater):
    """A tenant, or an address that guesses at keys, asks more often than it may."""

    code = "rate_limited"

    def __init__(self, detail: str, standing: Standing) -> None:
        super().__init__(
            detail,
            public="Too many requests. Try again in a while.",
            retry_after_s=standing.retry_after_s,
        )


class KnownKeys:
    """The last keys that were good here, by hashes that are this process's own.

    Python's hash of a text is keyed anew in each process, and takes no time to speak of. That
    a key is known lets nobody in: it is looked up like any other.
    """

    def __init__(self, salt: bytes, most: int = KNOWN_MAX) -> None:
        self._salt, self._most = salt, most
        self._known: OrderedDict[int, None] = OrderedDict()

    def add(self, credential: str) -> None:
        """Note that it was good; of too many the one unused for longest is forgotten."""
        name = hash((self._salt, credential))
        self._known[name] = None
        self._known.move_to_end(name)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def __contains__(self, credential: str) -> bool:
        return hash((self._salt, credential)) in self._known


@dataclass(slots=True)
class Admission:
    """Lets callers in, or says why not.

    `seconds` is a clock that only goes forward. An address that showed too many wrong keys
    is not told any more whether one is right, but for keys that were good here before:
    whoever shares an address with somebody who guesses goes on.
    """

    keys: ApiKeys
    requests: Buckets
    guesses: Buckets
    known: KnownKeys
    seconds: Callable[[], float]

    async def caller(self, credential: str, address: str) -> Caller:
        """Return whose key it is.

        Raises `Unauthenticated`, `Forbidden` to a suspended tenant, and `TooManyRequests`
        to an address that guesses.
        """
        if len(self.guesses):  # nearly always nobody has guessed
            self._refuse_guesses(credential, address)
        try:
            caller = await self.keys.verify(credential)
        except Unauthenticated:
            self.guesses.take(network_of(address), self.seconds())
            raise
        self.known.add(credential)
        return caller

    def _refuse_guesses(self, credential: str, address: str) -> None:
        guessing = self.guesses.look(network_of(address), self.seconds())
        if guessing.is_refused and credential not in self.known:
            raise TooManyRequests("too many wrong keys from one address", guessing)

    async def ticket_of(self, tenant: str) -> None:
        """Let a ticket of this tenant count. Raises `Forbidden` where it is suspended."""
        if await self.keys.store.is_suspended(tenant):
            raise suspended(tenant)

    def counted(self, tenant: str) -> Standing:
        """Count one request of the tenant; one that is refused counts for nothing."""
        return self.requests.take(tenant, self.seconds())


def network_of(address: str) -> str:
    """Return what addresses of one customer have in common: all of IPv4, half of IPv6."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address  # of a test, or of a socket that has none
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> _NETWORK << _NETWORK))
