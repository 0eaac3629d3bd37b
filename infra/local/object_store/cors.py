"""Which pages of which origins may use the store from a browser."""

from collections.abc import Collection
from dataclasses import dataclass

from infra.local.object_store.refusal import Refusal
from infra.local.object_store.request import Request

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class CorsRules:
    """What one browser is told. Origins are exact: no `*`, no pattern."""

    origins: Collection[str]
    methods: Collection[str] = ("GET", "HEAD", "PUT")
    headers: Collection[str] = (
        "content-type",
        "if-match",
        "if-none-match",
        "range",
        "x-amz-checksum-sha256",
    )
    exposed: Collection[str] = (
        "accept-ranges",
        "content-disposition",
        "content-length",
        "content-range",
        "etag",
    )
    max_age_s: int = 600

    def answer_headers(self, request: Request) -> Headers:
        """Return what lets the page read an answer; it goes on refusals too."""
        vary = [("vary", "Origin")]
        if request.headers.get("origin") not in self.origins:
            return vary
        return [
            *vary,
            ("access-control-allow-origin", request.headers["origin"]),
            ("access-control-expose-headers", ", ".join(self.exposed)),
        ]

    def preflight_headers(self, request: Request) -> Headers:
        """Return what lets the page ask at all; `Refusal` 403 where it may not."""
        method = request.headers.get("access-control-request-method", "")
        asked = request.headers.get("access-control-request-headers", "")
        names = {name.strip().lower() for name in asked.split(",") if name.strip()}
        permitted = (
            request.headers.get("origin") in self.origins
            and method in self.methods
            and names <= set(self.headers)
        )
        if not permitted:
            raise Refusal(403, "AccessForbidden", "CORS does not permit this request.")
        return [
            ("access-control-allow-methods", ", ".join(self.methods)),
            ("access-control-allow-headers", ", ".join(self.headers)),
            ("access-control-max-age", str(self.max_age_s)),
        ]
