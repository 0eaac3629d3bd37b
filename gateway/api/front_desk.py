"""What holds for every route: ids, problems, limits of heads and bodies, browsers' rules."""

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware

from gateway.api import problems, request_ids
from gateway.api.answer_headers import POLICY, RATE, AnswerHeaders
from gateway.api.bodies import JsonBodies
from gateway.api.faces import Face, Faces
from gateway.api.head_requests import HeadRequests
from gateway.api.heads import HeadLimits
from shared import traces

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "Last-Event-ID",
    "Prefer",
    "X-API-Key",
    request_ids.HEADER,
    traces.HEADER,
)
ANSWER_HEADERS = (
    "Location",
    "Preference-Applied",
    "Retry-After",
    POLICY,
    RATE,
    request_ids.HEADER,
)


def install(
    app: Starlette,
    *,
    new_id: Callable[[], str],
    json_body_bytes: int,
    json_depth: int,
    headers_max: int = 100,
    head_bytes: int = 65_536,
    is_https: bool = False,
    cors_origins: Sequence[str] = (),
    products: Sequence[Face] = (),
) -> None:
    """Put the rules around the application; the last one added is the outermost.

    `products`: how the surfaces beside `/v1` word their errors, and what they take.
    `head_bytes` is of address and headers together. `is_https`: browsers are to use nothing
    else. Origins get no credentials: a browser's permission is a header or a ticket, no cookie.
    """
    faces = Faces(products)
    problems.install(app, faces)
    app.router.redirect_slashes = False  # an address is right or it is 404
    app.add_middleware(HeadRequests)
    app.add_middleware(
        JsonBodies, faces=faces, limit_bytes=json_body_bytes, depth_max=json_depth
    )
    app.add_middleware(problems.LastResort, faces=faces)
    app.add_middleware(HeadLimits, faces=faces, headers_max=headers_max, bytes_max=head_bytes)
    if cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=cors_origins,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=ANSWER_HEADERS,
        )
    app.add_middleware(AnswerHeaders, is_https=is_https)
    app.add_middleware(request_ids.RequestIds, new_id=new_id)
