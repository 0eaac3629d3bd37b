"""The types of settings: what a variable's text may be. No message shows the text."""

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

MIB, GIB = 2**20, 2**30
TOKEN_SECRET_LENGTH_MIN = 32

_USUAL_PORTS = MappingProxyType({"http": 80, "https": 443})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}){1,8}")
# Where the gateway's own routes are; those of a prefix set here may not lie among them.
TAKEN_PATHS = (
    *("/v1", "/api/jobs", "/api/videos", "/ws", "/health", "/healthz", "/readyz", "/metrics"),
    *("/docs", "/redoc", "/openapi.json"),
)


def listed(value: Any) -> Any:
    """Read `a, b` and `["a", "b"]` alike; blanks count for nothing."""
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return [each.strip() for each in value.split(",") if each.strip()]
    try:
        read = json.loads(value)
    except ValueError:
        read = None
    if not isinstance(read, list) or not all(isinstance(each, str) for each in read):
        raise ValueError("is neither a list with commas nor one of texts in JSON")
    return [each.strip() for each in read if each.strip()]


def web_address(value: str) -> str:
    """Accept http and https without user, query or fragment; drop the last slash."""
    if any(each.isspace() or not each.isprintable() for each in value):
        raise ValueError("must hold no blanks")  # the standard library would drop some
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http or https address")
    _port_of(parts)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must hold no user, query or fragment")
    return value.rstrip("/")


def _port_of(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:  # its text shows what was given
        raise ValueError("must have a port from 0 to 65535, or none") from None


def is_private(address: str) -> bool:
    """True for https, and for http that never leaves the machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or parts.hostname in _LOOPBACK


def origin(value: str) -> str:
    """Return an origin as browsers send it, which is compared letter by letter."""
    if value == "*":
        raise ValueError("* would let every site in; name the origins")
    parts = urlsplit(web_address(value))
    if parts.path not in {"", "/"}:
        raise ValueError("an origin has no path: scheme, host and port alone")
    host, port = parts.hostname or "", _port_of(parts)
    if not host.isascii():
        raise ValueError("a host is to be spelled as browsers send it: xn--…")
    host = f"[{host}]" if ":" in host else host
    shown = "" if port in {None, _USUAL_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def _free_prefix(value: str) -> str:
    value = value.rstrip("/")
    if not _PREFIX.fullmatch(value):
        raise ValueError("must be a path such as /api/export: letters, digits and . _ ~ -")
    inside = f"{value}/"
    if any(
        inside.startswith(f"{each}/") or f"{each}/".startswith(inside) for each in TAKEN_PATHS
    ):
        raise ValueError(f"collides with the gateway's own {', '.join(TAKEN_PATHS)}")
    return value


def _named(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise ValueError("must not be empty")
    return value


def _chosen(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("must not be empty")
    return value


def _long(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < TOKEN_SECRET_LENGTH_MIN:
        raise ValueError(f"has fewer than {TOKEN_SECRET_LENGTH_MIN} characters")
    return value


def _per_kind(value: Any) -> Any:
    """Read `export.framing=2, image.generate=50`."""
    if not isinstance(value, str):
        return value
    pairs = [each.partition("=") for each in listed(value)]
    found = {name.strip(): number.strip() for name, _, number in pairs}
    if not all(
        _KIND.fullmatch(name) and number.isascii() and number.isdecimal()
        for name, number in found.items()
    ):
        raise ValueError("must be a list such as export.framing=2, export.overlay=3")
    if len(found) < len(pairs):
        raise ValueError("names a kind twice")
    return list(found.items())


def _allowed_targets(values: tuple[str, ...]) -> tuple[str, ...]:
    # Most set nothing here, and a cold start that serves a status poll pays for each import.
    from gateway.core.targets import TargetRules  # noqa: PLC0415

    TargetRules.allowing(values)
    return values


def _unique(values: Iterable[SecretStr]) -> tuple[SecretStr, ...]:
    return tuple({each.get_secret_value(): each for each in values}.values())


def lower(value: Any) -> Any:
    """Return text without blanks around it, in small letters."""
    return value.strip().lower() if isinstance(value, str) else value


def upper(value: Any) -> Any:
    """Return text without blanks around it, in capitals."""
    return value.strip().upper() if isinstance(value, str) else value


Address = Annotated[str, AfterValidator(web_address)]
Secret = Annotated[SecretStr, AfterValidator(_chosen)]
LongSecret = Annotated[Secret, AfterValidator(_long)]
FilePath = Annotated[Path, BeforeValidator(_named)]
Name = Annotated[str, Field(min_length=1, max_length=256)]
Bucket = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
RoutePrefix = Annotated[str, AfterValidator(_free_prefix)]
PerKind = Annotated[
    tuple[tuple[str, Annotated[int, Field(ge=1, le=10_000)]], ...],
    BeforeValidator(_per_kind),
]
PositiveUsd = Annotated[Decimal, Field(gt=0, le=1)]
Keys = Annotated[tuple[SecretStr, ...], BeforeValidator(listed), AfterValidator(_unique)]
Targets = Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(_allowed_targets)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(origin)], ...], BeforeValidator(listed)]
