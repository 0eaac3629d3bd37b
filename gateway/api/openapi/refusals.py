"""Every code of an error an answer may carry: the class that raises it, and what it means.

The status is not written here: it follows from the class, as it does when one is raised.
"""

from dataclasses import dataclass

from gateway.api.faces import V1, Face
from gateway.api.problems import status_of
from shared.errors import (
    Conflict,
    CutroomError,
    Forbidden,
    HeadTooLarge,
    NotFound,
    OperatorMustAct,
    TooLarge,
    TooSlow,
    TryAgainLater,
    Unauthenticated,
    UnsupportedMediaType,
    ValidationFailed,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One code under the class that raises it.

    `detail` is a sentence such as an answer carries; `means` tells an integrator when it
    happens and what to do. `field` is what a validation error names in its example.
    """

    code: str
    raised: type[CutroomError]
    detail: str
    means: str
    field: str | None = None

    def status(self, face: Face = V1) -> int:
        """Return the HTTP status on a surface, from the class and the code alone."""
        if issubclass(self.raised, ValidationFailed):
            return status_of(self.raised([], code=self.code), face)
        return status_of(self.raised("", public="", code=self.code), face)

    @property
    def comes_later(self) -> bool:
        """True where the answer says `Retry-After`."""
        return issubclass(self.raised, TryAgainLater)


# -- what any route may say ---------------------------------------------------------------
UNAUTHENTICATED = Refusal(
    "unauthenticated",
    Unauthenticated,
    "A valid API key is needed.",
    "No credential, or one that is wrong, revoked or expired.",
)
FORBIDDEN = Refusal(
    "forbidden",
    Forbidden,
    "This key lacks the scope jobs.",
    "The key is good but lacks the scope, which `detail` names, or its tenant is suspended.",
)
NOT_FOUND = Refusal(
    "not_found",
    NotFound,
    "There is no such job.",
    "No such thing, or it belongs to another tenant: both answer alike.",
)
VALIDATION_FAILED = Refusal(
    "validation_failed",
    ValidationFailed,
    "Not accepted: input.output_width.",
    "A field is missing, unknown, of the wrong type or out of range; `errors` names each.",
    "input.output_width",
)
PAYLOAD_TOO_LARGE = Refusal(
    "payload_too_large",
    TooLarge,
    "The body is over 1048576 bytes.",
    "The JSON body is over its limit. Files go through an upload, never through a body.",
)
REQUEST_TIMEOUT = Refusal(
    "request_timeout",
    TooSlow,
    "The body came too slowly.",
    "The body was not there within a minute. Send the request again.",
)
UNSUPPORTED_MEDIA_TYPE = Refusal(
    "unsupported_media_type",
    UnsupportedMediaType,
    "Send JSON, with Content-Type: application/json.",
    "The body is no JSON, or an upload declares a type that is not taken.",
)
HEADERS_TOO_LARGE = Refusal(
    "headers_too_large",
    HeadTooLarge,
    "At most 100 headers are taken, and 65536 bytes of address and headers together.",
    "More headers than are taken, or more bytes of address and headers.",
)
RATE_LIMITED = Refusal(
    "rate_limited",
    TryAgainLater,
    "Too many requests. Try again in a while.",
    "Your tenant asks more often than it may (`RateLimit` tells how often that is), too many "
    "wrong keys came from your address, or as many streams, sockets and waiting polls are "
    "open on a job as may be.",
)
UNAVAILABLE = Refusal(
    "unavailable",
    TryAgainLater,
    "Try again in a moment.",
    "The database, the object store or the service itself is busy or away; "
    "`Retry-After` says when to come back. Nothing is wrong with the request.",
)
INTERNAL = Refusal(
    "internal",
    OperatorMustAct,
    "Something went wrong on our side.",
    "A mistake of ours. Quote `request_id` to whoever runs the service.",
)

# -- jobs ---------------------------------------------------------------------------------
UNKNOWN_KIND = Refusal(
    "unknown_kind",
    ValidationFailed,
    "Not accepted: kind.",
    "There is no kind of that name (any more); `GET /v1/kinds` lists them.",
    "kind",
)
WRONG_FAMILY = Refusal(
    "unsupported_media_type",
    ValidationFailed,
    "Not accepted: input.source.",
    "An input file is of the wrong sort: a picture where a video belongs.",
    "input.source",
)
DUPLICATE_KEYFRAME = Refusal(
    "duplicate_keyframe",
    ValidationFailed,
    "Not accepted: input.crop_keyframes.1.frame.",
    "Two keyframes give different places, or easings, for one frame.",
    "input.crop_keyframes.1.frame",
)
INVALID_RANGE = Refusal(
    "invalid_range",
    ValidationFailed,
    "Not accepted: input.end_time.",
    "A range ends before it begins.",
    "input.end_time",
)
UNKNOWN_EFFECT_TYPE = Refusal(
    "unknown_effect_type",
    ValidationFailed,
    "Not accepted: input.effect_type.",
    "There is no such effect; the message lists them.",
    "input.effect_type",
)
UNKNOWN_EASING = Refusal(
    "unknown_easing",
    ValidationFailed,
    "Not accepted: input.crop_keyframes.0.easing.",
    "There is no such easing; the message lists them.",
    "input.crop_keyframes.0.easing",
)
NOT_PROBED = Refusal(
    "not_probed",
    Conflict,
    "No worker has looked at this video yet. Say its footage.",
    "Size, rate and frames of `input.source` are not known, and the request has no `footage`.",
)
ASSET_NOT_FOUND = Refusal(
    "asset_not_found",
    NotFound,
    "There is no such asset.",
    "The asset does not exist, was deleted, or belongs to another tenant.",
)
OUTPUT_NOT_FOUND = Refusal(
    "output_not_found",
    NotFound,
    "input.source: there is no such output of a succeeded job.",
    "A reference `{job_id, output}` names no output of a succeeded job of yours.",
)
IDEMPOTENCY_CONFLICT = Refusal(
    "idempotency_conflict",
    Conflict,
    "This idempotency key was used for a different request.",
    "Use a new key for a new request, or send the same request again.",
)
TOO_MANY_OPEN_JOBS = Refusal(
    "too_many_open_jobs",
    TryAgainLater,
    "Too many jobs are open. Wait for some to end.",
    "The tenant is at its limit of unfinished jobs.",
)
BUDGET_EXCEEDED = Refusal(
    "budget_exceeded",
    TryAgainLater,
    "The day's budget of $5.0000 has no room for this: $4.9800 are spent or reserved, and it "
    "may cost $0.0412.",
    "The tenant's budget of the day or the month has no room for the worst case of the job, or "
    "its spending is stopped. Nothing was made. `Retry-After` is the end of the day or the "
    "month, a day at most; attempts that cost less than was reserved make room before.",
)
ALREADY_FINISHED = Refusal(
    "already_finished",
    Conflict,
    "The job has ended already.",
    "The job ended in another way before it could be cancelled.",
)
NOT_RETRYABLE = Refusal(
    "not_retryable",
    Conflict,
    "Only a job that failed, was cancelled or expired can be tried again.",
    "The job is not finished, or it succeeded.",
)
STILL_RUNNING = Refusal(
    "still_running",
    Conflict,
    "The job has not ended. Cancel it first.",
    "Only a job that has ended can be deleted.",
)
BAD_CURSOR = Refusal(
    "bad_cursor",
    ValidationFailed,
    "Not accepted: cursor.",
    "The cursor is garbled, or comes from a list with other filters. Begin again without one.",
    "cursor",
)

# -- exports ------------------------------------------------------------------------------
PROJECT_NOT_FOUND = Refusal(
    "project_not_found",
    NotFound,
    "There is no such project.",
    "No such project, or another tenant's. Register it first.",
)
CLIP_NOT_FOUND = Refusal(
    "clip_not_found",
    NotFound,
    "There is no such clip.",
    "No such clip in this project. Register it first.",
)
NO_WORKING_VIDEO = Refusal(
    "no_working_video",
    Conflict,
    "The project has no working video. Register one first.",
    "The project has none, or it was deleted.",
)
SOURCE_VIDEO_NOT_FOUND = Refusal(
    "source_video_not_found",
    Conflict,
    "The clip's source video is no longer there. Register another.",
    "It was deleted.",
)
INPUT_VIDEO_NOT_FOUND = Refusal(
    "input_video_not_found",
    NotFound,
    "There is no such input video.",
    "Nothing of yours has this key, or it was deleted.",
)
INPUT_KEY_NOT_ALLOWED = Refusal(
    "input_key_not_allowed",
    ValidationFailed,
    "Not accepted: input_video_key.",
    "Only keys under `input/`, as the upload URL's answer gave them, are taken.",
    "input_video_key",
)
UPLOAD_INCOMPLETE = Refusal(
    "upload_incomplete",
    Conflict,
    "Nothing was put under this key yet. PUT the video, then try again.",
    "The upload was promised and nothing has arrived.",
)
UPLOAD_EXISTS = Refusal(
    "upload_exists",
    Conflict,
    "A video is already stored under this job_id.",
    "Ask without `job_id` for a new place.",
)

# -- webhooks -----------------------------------------------------------------------------
TARGET_NOT_ALLOWED = Refusal(
    "target_not_allowed",
    ValidationFailed,
    "Not accepted: url.",
    "The address is spelled oddly, speaks no https, or leads to something that is not on the "
    "public internet.",
    "url",
)
TOO_MANY_WEBHOOK_ENDPOINTS = Refusal(
    "too_many_webhook_endpoints",
    Conflict,
    "A tenant has 10 webhook endpoints at most.",
    "Delete one that is not needed.",
)
WEBHOOK_ENDPOINT_DISABLED = Refusal(
    "webhook_endpoint_disabled",
    Conflict,
    "The webhook endpoint is disabled. Enable it first.",
    "Nothing is sent to a disabled endpoint.",
)

# -- uploads and assets -------------------------------------------------------------------
QUOTA_EXCEEDED = Refusal(
    "quota_exceeded",
    TryAgainLater,
    "This would be more than you may store. Delete files or jobs, then try again.",
    "With this file the tenant would store more than it may: uploads, promised ones too, and "
    "outputs count.",
)
UPLOAD_TOO_LARGE = Refusal(
    "upload_too_large",
    TooLarge,
    "A file may have 5368709120 bytes at most.",
    "The file is over the limit of an upload.",
)
NOT_MULTIPART = Refusal(
    "not_multipart",
    Conflict,
    "This upload has no parts; PUT the file to its URL.",
    "Only an upload that was promised with `multipart` has parts.",
)
UPLOAD_EXPIRED = Refusal(
    "upload_expired",
    Conflict,
    "This upload has expired. Begin a new one.",
    "Its `expires_at` is past.",
)
OBJECT_MISSING = Refusal(
    "object_missing",
    Conflict,
    "Nothing was put yet. PUT the file, then complete.",
    "The bucket has no object under the upload's key yet.",
)
UPLOAD_ABORTED = Refusal(
    "upload_aborted",
    Conflict,
    "This upload was aborted. Begin a new one.",
    "It was called off, refused, or left alone for too long.",
)
ALREADY_COMPLETE = Refusal(
    "already_complete",
    Conflict,
    "This upload is complete; delete its asset instead.",
    "A complete upload has become an asset.",
)
SIZE_MISMATCH = Refusal(
    "size_mismatch",
    ValidationFailed,
    "Not accepted: size_bytes.",
    "What was put has another size than was declared. The object is removed.",
    "size_bytes",
)
TYPE_MISMATCH = Refusal(
    "type_mismatch",
    UnsupportedMediaType,
    "The file is no video/mp4.",
    "The bytes are not of the declared type. The object is removed.",
)
ASSET_IN_USE = Refusal(
    "asset_in_use",
    Conflict,
    "An unfinished job uses this asset. Cancel it, or wait.",
    "Cancel the job that reads it, or wait for its end.",
)
