"""Letting callers in, in tests that are not about how often they may come."""

from gateway.core.rates import Buckets
from gateway.services.admission import Admission, KnownKeys
from gateway.services.api_keys import ApiKeys


def an_admission(keys: ApiKeys, *, per_s: float = 1e6, wrong_keys: int = 10**6) -> Admission:
    """Return an admission whose clock stands still."""
    return Admission(
        keys,
        Buckets(per_s=per_s, burst=max(1, int(per_s))),
        Buckets(per_s=wrong_keys / 60, burst=wrong_keys),
        KnownKeys(b"s" * 32),
        lambda: 0.0,
    )
