"""What is said of the routes of jobs."""

from types import MappingProxyType
from typing import Any

from gateway.api.openapi import examples, refusals
from gateway.api.openapi.models import Estimate, Job, JobPage
from gateway.api.openapi.operation import (
    JOB_ID,
    PREFER,
    Access,
    Answer,
    Examples,
    Operation,
    Parameter,
    ok,
)

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

With `Prefer: wait=N` the answer is held back for up to N seconds: 200 with the job at its end \
where it ended in time, else 202. The job goes on whether you wait or not.

`max_cost_usd` is the most the job may cost, further attempts included. Where the worst case \
of one attempt is more, the job is refused; where what is left does not pay for another one, \
it fails with `budget_exceeded`.

With `"dry_run": true` everything is checked and nothing is made: the answer is an estimate of \
cost and time, and no key is used up.

With `"reuse": true` you get what an earlier job of yours made, if it did the very same: the \
same kind and version, the same input, the same bytes of every file. Such a job has succeeded \
when the answer comes (200), costs nothing, and names the other job in `reused_from`. A file \
counts as the same bytes where it is the same asset or output, or where the service has \
verified its SHA-256: one that an upload was signed with, or that a worker has seen. If the \
earlier files are gone, the work is done anew.

Rules of a kind have codes of their own (`duplicate_keyframe`, `invalid_range`, \
`unknown_effect_type`, `unknown_easing`), always 422 with the field named."""

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
                    headers=("Location", "Preference-Applied"),
                ),
                ok(
                    "The job made under this idempotency key, as it stands now; the job at its "
                    "end, where that was waited for; or, for a dry run, the estimate.",
                    JOB_OR_ESTIMATE,
                    Examples(replay=examples.RUNNING_JOB, dry_run=examples.ESTIMATE),
                    headers=("Preference-Applied",),
                ),
            ),
            parameters=(PREFER,),
            refusals=(
                refusals.ASSET_NOT_FOUND,
                refusals.OUTPUT_NOT_FOUND,
                refusals.IDEMPOTENCY_CONFLICT,
                refusals.UNKNOWN_KIND,
                refusals.WRONG_FAMILY,
                refusals.DUPLICATE_KEYFRAME,
                refusals.INVALID_RANGE,
                refusals.UNKNOWN_EFFECT_TYPE,
                refusals.UNKNOWN_EASING,
                refusals.BUDGET_EXCEEDED,
                refusals.TOO_MANY_OPEN_JOBS,
            ),
            body=examples.KIND_INPUTS,
        ),
        "list_jobs": Operation(
            tag="jobs",
            access=Access.READ,
            summary="List jobs",
            says="Your jobs, newest first, a page at a time. Go on with `next_cursor` and the "
            "same filters until it is null; jobs that are made meanwhile do not shift the "
            "pages. A parameter that is not known, or given twice, is refused: a slip "
            "narrows nothing in silence.",
            answers=(
                ok(
                    "A page.",
                    JobPage,
                    {"items": [examples.SUCCEEDED_JOB], "next_cursor": None},
                ),
            ),
            refusals=(refusals.BAD_CURSOR,),
            parameters=(
                Parameter(
                    "label",
                    "query",
                    "Only jobs with these labels: `label.<name>=<value>`, once for each name.",
                    {"type": "object", "additionalProperties": {"type": "string"}},
                    {"label.clip": "7"},
                    {"style": "form", "explode": True},
                ),
            ),
        ),
        "read_job": Operation(
            tag="jobs",
            access=Access.READ_TICKET,
            summary="Read a job",
            says="The job as it stands. URLs of its outputs are signed for this answer and "
            "expire (an hour, unless set otherwise): read the job again for fresh ones. Where "
            "whoever runs the service keeps outputs for a time only, `outputs_expire_at` says "
            "until when; after it the job is still there, and its outputs have no `url`. "
            "Reading changes nothing. With `Prefer: wait=N` the answer comes at the job's "
            "end, or after N seconds.",
            answers=(
                ok(
                    "The job.",
                    Job,
                    Examples(running=examples.RUNNING_JOB, succeeded=examples.SUCCEEDED_JOB),
                    headers=("Preference-Applied",),
                ),
            ),
            parameters=(JOB_ID, PREFER),
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
        "retry_job": Operation(
            tag="jobs",
            access=Access.JOBS,
            summary="Try a job again",
            says="Makes a **new** job with the same input, labels and limits, checked anew; "
            "its `retry_of` names the old one. For jobs that failed, were cancelled or "
            "expired. (Failures that pass by themselves have been tried again already: see "
            "`attempt`.) "
            "Takes an `Idempotency-Key`, so that a repeated call makes one job.",
            answers=(
                ok(
                    "The new job.",
                    Job,
                    examples.RETRIED_JOB,
                    status=202,
                    headers=("Location", "Preference-Applied"),
                ),
                ok(
                    "The job made under this idempotency key, as it stands now; or the new "
                    "job at its end, where that was waited for.",
                    Job,
                    examples.RETRIED_JOB,
                    headers=("Location", "Preference-Applied"),
                ),
            ),
            parameters=(PREFER,),
            refusals=(
                refusals.ASSET_NOT_FOUND,
                refusals.OUTPUT_NOT_FOUND,
                refusals.UNKNOWN_KIND,
                refusals.NOT_RETRYABLE,
                refusals.IDEMPOTENCY_CONFLICT,
                refusals.BUDGET_EXCEEDED,
                refusals.TOO_MANY_OPEN_JOBS,
            ),
        ),
        "delete_job": Operation(
            tag="jobs",
            access=Access.JOBS,
            summary="Delete a job",
            says="Removes a job that has ended, with its events and the objects it made. What "
            "it read is yours and stays, and so do objects that another job of yours was "
            "given by `reuse`: they go with the last job that names them.",
            answers=(Answer(204, "It is gone."),),
            refusals=(refusals.STILL_RUNNING, refusals.ASSET_IN_USE),
        ),
    }
)
