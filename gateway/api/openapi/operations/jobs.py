"""What is said of the routes of jobs."""

from types import MappingProxyType
from typing import Any

from gateway.api.openapi import examples, refusals
from gateway.api.openapi.models import Estimate, Job
from gateway.api.openapi.operation import Access, Examples, Operation, ok

JOB_OR_ESTIMATE: dict[str, Any] = {"oneOf": [Job, Estimate]}

_SUBMIT = """\
A job is a `kind` and that kind's `input`. The answer comes once the job is written down: from \
then on it survives any crash. Files in the input are references: `{"asset_id": …}` for an \
upload of yours, or `{"job_id": …, "output": name}` for a file that a succeeded job of yours \
made.

**Send an `Idempotency-Key`.** After a time-out or a lost connection send the same request \
again under the same key: you get the job that was made, as it stands now, with status 200. \
Another request under the key is 409 `idempotency_conflict`. Keys belong to your tenant and to \
this route, and are kept for at least 24 hours.

With `"dry_run": true` everything is checked and nothing is made: the answer is an estimate of \
cost and time, and no key is used up.

Rules of a kind have codes of their own (`duplicate_keyframe`, `invalid_range`, \
`unknown_effect_type`), always 422 with the field named."""

OPERATIONS = MappingProxyType(
    {
        "submit_job": Operation(
            tag="jobs",
            access=Access.JOBS,
            summary="Submit a job",
            says=_SUBMIT,
            answers=(
                ok(
                    "The job is accepted.",
                    Job,
                    examples.QUEUED_JOB,
                    status=202,
                    headers=("Location",),
                ),
                ok(
                    "The job made under this idempotency key, as it stands now; or, for a dry "
                    "run, the estimate.",
                    JOB_OR_ESTIMATE,
                    Examples(replay=examples.RUNNING_JOB, dry_run=examples.ESTIMATE),
                ),
            ),
            refusals=(
                refusals.ASSET_NOT_FOUND,
                refusals.OUTPUT_NOT_FOUND,
                refusals.IDEMPOTENCY_CONFLICT,
                refusals.UNKNOWN_KIND,
                refusals.WRONG_FAMILY,
                refusals.DUPLICATE_KEYFRAME,
                refusals.INVALID_RANGE,
                refusals.UNKNOWN_EFFECT_TYPE,
                refusals.TOO_MANY_OPEN_JOBS,
            ),
            body=examples.KIND_INPUTS,
        ),
        "read_job": Operation(
            tag="jobs",
            access=Access.READ,
            summary="Read a job",
            says="The job as it stands. URLs of its outputs are signed for this answer and "
            "expire (an hour, unless set otherwise): read the job again for fresh ones. "
            "Reading changes nothing.",
            answers=(
                ok(
                    "The job.",
                    Job,
                    Examples(running=examples.RUNNING_JOB, succeeded=examples.SUCCEEDED_JOB),
                ),
            ),
        ),
        "cancel_job": Operation(
            tag="jobs",
            access=Access.JOBS,
            summary="Cancel a job",
            says="The job is cancelled when the answer comes, and never succeeds after it; the "
            "worker stops within seconds. Repeating it is harmless.",
            answers=(ok("The job, cancelled.", Job, examples.CANCELLED_JOB),),
            refusals=(refusals.ALREADY_FINISHED,),
        ),
    }
)
