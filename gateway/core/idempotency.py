"""One hash for one request, however it was spelled."""

import json
from hashlib import sha256
from typing import Any


def request_hash(canonical: Any) -> str:
    """Hash a validated request: defaults filled in, keys sorted, no spaces."""
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode()).hexdigest()
