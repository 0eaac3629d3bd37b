"""Tokens a worker holds: made of a secret and what they are for, stored nowhere.

    submission:  ws_<submission>.<mac of job, submission>
    attempt:     wa_<fence>.<mac of job, fence, nonce>

A token opens one job alone, and an attempt's opens one attempt: the nonce is under the MAC.
"""

import hmac
from base64 import b32encode
from dataclasses import dataclass
from hashlib import sha256

from typing_extensions import override

LONGEST_NUMBER = 10  # digits; a token is checked before anything is computed from it


@dataclass(frozen=True, slots=True)
class WorkTokens:
    """Makes and checks tokens under one secret, which its `repr` does not show."""

    secret: bytes

    @override
    def __repr__(self) -> str:
        return "WorkTokens(…)"

    def for_submission(self, job_id: str, submission: int) -> str:
        """Return the token that lets a worker claim the job."""
        return f"ws_{submission}.{self._mac('submission', job_id, str(submission))}"

    def opens_claim(self, token: str, job_id: str) -> bool:
        """True if this token was made for any submission of the job."""
        number = token.removeprefix("ws_").partition(".")[0]
        if not (number.isascii() and number.isdigit() and len(number) < LONGEST_NUMBER):
            return False
        made = self.for_submission(job_id, int(number))
        return hmac.compare_digest(token.encode(), made.encode())

    def fence_of(self, token: str) -> int | None:
        """Return the attempt a token says it speaks for, before anything is checked."""
        number = token.removeprefix("wa_").partition(".")[0]
        good = number.isascii() and number.isdigit() and len(number) < LONGEST_NUMBER
        return int(number) if good else None

    def for_attempt(self, job_id: str, fence: int, nonce: str) -> str:
        """Return the token that lets one attempt report."""
        return f"wa_{fence}.{self._mac('attempt', job_id, str(fence), nonce)}"

    def speaks_for(self, token: str, job_id: str, fence: int, nonce: str) -> bool:
        """True if this is the token of that attempt."""
        return hmac.compare_digest(
            token.encode(), self.for_attempt(job_id, fence, nonce).encode()
        )

    def _mac(self, purpose: str, *parts: str) -> str:
        message = "\0".join((purpose, *parts)).encode()
        digest = hmac.new(self.secret, message, sha256).digest()
        return b32encode(digest).decode().rstrip("=").lower()
