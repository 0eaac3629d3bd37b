"""Use case: an attempt says what it has made and gets a URL to put each under its own key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.core.effects import URL_MARGIN_S
from gateway.core.job import Job
from gateway.core.object_keys import attempt_key
from gateway.ports.attempt_log import AttemptLog, Grant
from gateway.ports.clock import Clock
from gateway.ports.url_signer import UrlSigner
from gateway.services.attempt_gate import AttemptGate
from gateway.services.claim_job import ToldToStop
from shared.artifacts import Output
from shared.errors import FieldError, ValidationFailed
from shared.job_kind import JobKind
from shared.work import MANIFEST, OutputsRequest, Put, Puts

MANIFEST_TYPE = "application/json"
LARGEST_MANIFEST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class GrantOutputs:
    """Every URL signs one key, one method, the type, the length and the hash."""

    gate: AttemptGate
    attempts: AttemptLog
    signer: UrlSigner
    clock: Clock
    kinds: Mapping[str, JobKind[Any, Any]]
    largest_output_bytes: int

    async def __call__(self, job_id: str, token: str, asked: OutputsRequest) -> Puts:
        """Return the URLs in the order asked for; may be repeated.

        Raises `ToldToStop`, `Unauthenticated`, or `ValidationFailed` naming the item.
        """
        job = await self.gate.genuine(job_id, token, asked.fence)
        self.gate.must_be_heard(job, asked.fence)
        if job.is_final or job.attempt_deadline_at is None:
            raise ToldToStop("the job has ended")
        self._check(job, asked.items)
        left_s = (job.attempt_deadline_at - self.clock.now()).total_seconds()
        expires_s = max(0, int(left_s)) + URL_MARGIN_S
        puts, grants = [], []
        for item in asked.items:
            key = attempt_key(
                job.surface, job.kind, job.id, job.fence, item.name, item.content_type
            )
            signed = self.signer.sign_put(
                key,
                expires_s=expires_s,
                content_type=item.content_type,
                size_bytes=item.size_bytes,
                sha256_hex=item.sha256,
                write_once=False,
            )
            grants.append(_grant(item, key, signed.expires_at))
            puts.append(
                Put(name=item.name, key=key, url=signed.url, headers=dict(signed.headers))
            )
        # Known before any URL leaves, so that nothing can be put that no sweep would find.
        await self.attempts.grant(job.id, job.fence, grants)
        return Puts(puts=puts)

    def _check(self, job: Job, items: list[Output]) -> None:
        kind = self.kinds[job.kind]
        seen: set[str] = set()
        wrong = []
        for index, item in enumerate(items):
            manifest = item.name == MANIFEST
            expected = (MANIFEST_TYPE,) if manifest else kind.content_types(item.name)
            largest = LARGEST_MANIFEST_BYTES if manifest else self.largest_output_bytes
            if not expected or item.name in seen:
                wrong.append(FieldError.at(("items", index, "name"), "no such output"))
            elif item.content_type not in expected:
                must = f"must be {' or '.join(expected)}"
                wrong.append(FieldError.at(("items", index, "content_type"), must))
            elif item.size_bytes > largest:
                wrong.append(FieldError.at(("items", index, "size_bytes"), "too large"))
            seen.add(item.name)
        if wrong:
            raise ValidationFailed(wrong)


def _grant(item: Output, key: str, expires_at: Any) -> Grant:
    return Grant(item.name, key, item.content_type, item.size_bytes, item.sha256, expires_at)
