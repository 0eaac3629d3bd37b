"""An application asked without a server, where only the application has a say."""

from collections.abc import Iterable
from typing import Any

from tests.support.raw_http import Answer

PIECE_BYTES = 65_536  # as much as uvicorn hands on at once


async def called(
    app: Any, method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes
) -> Answer:
    """Return the application's answer; `path` is plain, without escapes and query."""
    pieces = [body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES)] or [b""]
    coming = [
        {"type": "http.request", "body": piece, "more_body": left > 0}
        for left, piece in zip(reversed(range(len(pieces))), pieces, strict=True)
    ]
    heard: list[Any] = []

    async def receive() -> Any:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        heard.append(message)

    await app(
        _scope(method, path, [*headers, ("Content-Length", str(len(body)))]), receive, send
    )
    start, *rest = heard
    return Answer(
        start["status"],
        tuple((name.decode(), value.decode()) for name, value in start["headers"]),
        b"".join(each["body"] for each in rest),
    )


def _scope(method: str, path: str, headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"gateway"),
            *((name.lower().encode(), value.encode()) for name, value in headers),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }
