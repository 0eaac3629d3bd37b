"""Which addresses we may call for somebody else: what a URL may look like and lead to.

Whoever chooses an address would like us to call one that only we can reach: the cloud's
metadata, the database, the router. So a URL is taken in one plain spelling alone, and every
address its name leads to must be one of the public internet, unless an operator allows it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from shared.errors import CallerMustChange

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL = 2048
PORTS = (443, 8443)
_USUAL_PORTS = {"http": 80, "https": 443}

# RFC 3986 without what would need a second look; a bracket can only be an IPv6 address's.
_PLAIN = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LONGEST_NAME = 253
# A last label like these is read as a number by one resolver or another.
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Names that never lead outside (RFC 6761, 6762, 7686, 8375, 9476, and habit).
_INSIDE = frozenset(
    {
        *("localhost", "local", "internal", "intranet", "private", "corp", "home", "lan"),
        *("arpa", "test", "invalid", "onion", "alt", "localdomain"),
    }
)

# IANA's special-purpose registries, multicast and what is reserved.
_REFUSED_V4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24"),
            *("192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("224.0.0.0/4", "240.0.0.0/4"),
            "168.63.129.16/32",  # Azure's own, which looks public
        ),
    )
)
# Of IPv6 only this is handed out; the rest is local, special, mapped or nobody's.
_PUBLIC_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols' own; Teredo among them, which hides an IPv4 address
            "2001:db8::/32",
            "2002::/16",  # 6to4, which hides one too
            "3fff::/20",
        ),
    )
)
# Where a network has IPv6 alone, this is the way to IPv4: judged by what it leads to.
_NAT64 = IPv6Network("64:ff9b::/96")


class TargetRefused(CallerMustChange):
    """An address that may not be called; the text says why, and nothing of what is there."""

    code = "target_not_allowed"

    def __init__(self, why: str) -> None:
        super().__init__(why, public=f"This address may not be called: {why}.")
        self.why = why


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads, before any name is looked up. `host` is lower case, no brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def address(self) -> Address | None:
        """The address, where the host is one and not a name."""
        return _address(self.host)

    @property
    def authority(self) -> str:
        """Host and port as a `Host` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _USUAL_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class TargetRules:
    """What may be called: the public internet over TLS, and what an operator allows.

    A host in `hosts`, or an address in `networks`, may be called by plain HTTP and on any
    port, wherever it is; a name may also lead into `networks`.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def allowing(cls, allowed: Sequence[str]) -> "TargetRules":
        """Read hosts, addresses and networks; raise `ValueError` for what is none of them."""
        hosts, networks = set[str](), list[Network]()
        for each in allowed:
            text = each.strip().lower()
            try:
                network = ip_network(text.removeprefix("[").removesuffix("]"))
            except ValueError:
                if not is_name(text):
                    raise ValueError("is neither a host nor a network") from None
                hosts.add(text)
                continue
            if network.prefixlen == 0:
                raise ValueError("a network that holds every address would allow everything")
            networks.append(network)
        return cls(frozenset(hosts), tuple(networks))

    def read(self, url: str) -> Target:
        """Return where a URL leads, as far as its text tells; raise `TargetRefused`."""
        target = read_url(url)
        if self._is_trusted(target):
            return target
        if target.scheme != "https":
            raise TargetRefused("only https is called")
        if target.port not in PORTS:
            raise TargetRefused(f"only the ports {', '.join(map(str, PORTS))} are called")
        if target.address is not None:
            self.check(target, [target.host])
        elif target.host.rpartition(".")[2] in _INSIDE or "." not in target.host:
            raise TargetRefused("the name is no public one")
        return target

    def check(self, target: Target, addresses: Sequence[str]) -> None:
        """Raise `TargetRefused` unless each address that its name leads to may be called."""
        if target.host in self.hosts:
            return
        if not addresses:
            raise TargetRefused("the name leads nowhere")
        for each in addresses:
            # One that has a zone, as link-local ones do, is none that `_address` knows.
            address = _address(each)
            if address is None or not (self._allows(address) or is_public(address)):
                raise TargetRefused("it leads to an address that is not public")

    def _is_trusted(self, target: Target) -> bool:
        address = target.address
        return target.host in self.hosts or (address is not None and self._allows(address))

    def _allows(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


def read_url(url: str) -> Target:
    """Return the parts of a URL that is spelled plainly; raise `TargetRefused` for others.

    What parsers read differently (users, blanks, backslashes, numbers for hosts, letters
    outside ASCII) is refused, so that all of them mean the same host.
    """
    if not 1 <= len(url) <= LONGEST_URL:
        raise TargetRefused(f"a URL has 1 to {LONGEST_URL} characters")
    if not _PLAIN.fullmatch(url):
        raise TargetRefused("a URL is plain ASCII, without blanks, backslashes or a fragment")
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in _USUAL_PORTS:
        raise TargetRefused("a URL begins with https://")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise TargetRefused("a URL holds no user or password")
    host, port = _host_and_port(authority)
    tail = rest.removeprefix(authority)
    path = tail if tail.startswith("/") else f"/{tail}"
    return Target(scheme.lower(), host, port or _USUAL_PORTS[scheme.lower()], path)


def _host_and_port(authority: str) -> tuple[str, int | None]:
    if authority.startswith("["):
        host, _, rest = authority[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        known = isinstance(_address(host), IPv6Address)
    else:
        host, colon, port = authority.partition(":")
        host = host.lower()
        known = is_name(host) or isinstance(_address(host), IPv4Address)
    if not known:
        raise TargetRefused("the host is no name and no address as they are usually written")
    if not colon and not port:
        return host.lower(), None
    if colon != ":" or not _PORT.fullmatch(port) or int(port) > 65_535:
        raise TargetRefused("the port is a number from 1 to 65535")
    return host.lower(), int(port)


def is_name(host: str) -> bool:
    """True for a host's name, lower case, that nothing reads as a number."""
    labels = host.split(".")
    sound = all(_LABEL.fullmatch(label) for label in labels)
    return sound and len(host) <= _LONGEST_NAME and not _NUMERIC.fullmatch(labels[-1])


def is_public(address: Address) -> bool:
    """True for an address of the public internet, whatever it is wrapped in."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    refused = any(address in network for network in _REFUSED_V6)
    return address in _PUBLIC_V6 and not refused


def _address(text: str) -> Address | None:
    """Return the address a text spells in the usual way; octal, hex and zones are none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if "%" in text else address
