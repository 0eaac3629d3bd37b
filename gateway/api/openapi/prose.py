"""What the document says of itself and of each tag; WebSocket routes, which it cannot hold."""

from dataclasses import dataclass
from types import MappingProxyType

ABOUT = """\
Uploads, jobs and live updates for apps that work on people's videos and pictures.

JSON in UTF-8; times are UTC with `Z`; money is decimal text in US dollars; names that end in \
`_s`, `_px`, `_bytes` or `_usd` say their unit. On `/v1` a field that is not known is refused, \
and an object has 1000 fields at most; nowhere may a field stand twice in one object, or \
anything nest deeper than 32 levels. Answers may gain fields, so ignore those you do not \
know. Every answer carries \
`X-Request-ID`: yours, if you sent one of 8 to 64 letters, digits, `_`, `.` or `-`. \
`RateLimit` tells how often your tenant may ask; over that an answer is 429 with \
`Retry-After`, but for a submission that repeats an accepted one under its idempotency key."""

SCHEMES = MappingProxyType(
    {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, `ck_…`, after `Bearer`. It belongs to one tenant and "
            "has scopes: `jobs`, `uploads`, `read`, `admin`.",
        },
        "apiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "The same API key in a header of its own.",
        },
        "uploadTicket": {
            "type": "http",
            "scheme": "bearer",
            "description": "The `ticket` of an upload after `Bearer`: good for this upload's "
            "routes alone, until the upload expires.",
        },
        "jobTicket": {
            "type": "apiKey",
            "in": "query",
            "name": "ticket",
            "description": "A ticket for one job, to read it live: 60 seconds to connect. For "
            "browsers, whose `EventSource` and `WebSocket` can send no header.",
        },
        "submissionToken": {
            "type": "http",
            "scheme": "bearer",
            "description": "The token a worker finds in its submission: good for one claim.",
        },
        "attemptToken": {
            "type": "http",
            "scheme": "bearer",
            "description": "The token of a work order: good while that attempt may speak.",
        },
    }
)

_EXPORTS = """\
A product's own API for exports: overlay and framing. It speaks of projects and clips and of \
the status words its clients know, and is served by the same jobs. Errors are \
`{detail, code, request_id}`; fields that are not known are ignored and named in `warnings`.

From a file to an export: get an upload URL, PUT the file to `upload_url` with `headers`, and \
start the export with its `video_key`: at `POST /api/jobs` at once, or at `/api/export/…` \
after registering it as a project's video or a clip's source. Watch `websocket_url`, or read \
the job until its `status` is `complete` or `error`; then `output_url` is the file.

| `status` | when |
| --- | --- |
| `pending` | nobody has begun yet |
| `processing` | at work, or between two attempts |
| `complete` | `progress` is 100, and the output is there |
| `error` | failed, cancelled (`error_code` is `cancelled`) or not done in time (`expired`) |

Whoever runs the service may have moved `/api/export` elsewhere (`EXPORT_ROUTE_PREFIX`)."""

TAGS = MappingProxyType(
    {
        "kinds": "What work there is: names, schemas, limits, prices.",
        "uploads": "A promise that a browser will put one file under one key, once.",
        "assets": "Files in the bucket: uploads that were completed.",
        "jobs": "Work of a kind: submit, list, read, cancel, try again, delete.",
        "usage": "What jobs have cost.",
        "previews": "What an export would render, before it is one.",
        "events": "A job's log, as pages and as streams: the same lines in the same order.",
        "webhooks": "Addresses that are told of what happened: `docs/webhooks.md` says how "
        "to verify what they get.",
        "exports": _EXPORTS,
        "work": "What workers call. Not for clients: the tokens come with a submission and "
        "with a work order.",
        "health": "Is the process alive, can it serve, how is it doing.",
    }
)


@dataclass(frozen=True, slots=True)
class Socket:
    """A WebSocket route; OpenAPI has no word for one, so it stands in its tag's text."""

    tag: str
    says: str


SOCKETS = MappingProxyType(
    {
        "/v1/jobs/{job_id}/live": Socket(
            "events",
            "Every event of the job, one a text frame, from the one after `?after=` on "
            "(−1: from the beginning), gapless; closes with 1000 after the last. Credentials: "
            "a key in a header, or a ticket in `?ticket=` or as the subprotocol "
            "`cutroom.ticket.<ticket>` beside `cutroom.v1`. Other closes: 1008 (a bad "
            "`after`), 1009 (you sent over 1 KiB), 1013 (busy), 4401 (no or a wrong "
            "credential), 4404 (no such job), 4408 (too slow), 4429 (too many watch, or ask).",
        ),
        "/api/jobs/{job_id}/ws": Socket(
            "exports",
            "The job object without `output_url` and `websocket_url`: once at once, then on "
            "each change, at most 4 a second, the last always; closes with 1000 after it, "
            "whatever the end was. Credentials and other closes as on "
            "`/v1/jobs/{job_id}/live`; `websocket_url` in answers carries a ticket.",
        ),
        "/ws/export/{job_id}": Socket("exports", "The same at its older address."),
    }
)


def tag_text(name: str) -> str:
    """Return what is said of a tag, with its WebSocket routes."""
    sockets = [
        f"**WebSocket `{path}`**: {socket.says}"
        for path, socket in SOCKETS.items()
        if socket.tag == name
    ]
    return "\n\n".join([TAGS[name], *sockets])
