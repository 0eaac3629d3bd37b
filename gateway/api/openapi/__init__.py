"""The API described for programs and people; loaded when somebody asks, never to serve."""

from typing import Any

from fastapi import FastAPI


def install(app: FastAPI) -> None:
    """Make `app.openapi()` the described document, composed once, when first asked for."""

    def openapi() -> dict[str, Any]:
        # A cold start that serves a status poll must not pay for prose.
        from gateway.api.openapi.document import document_of  # noqa: PLC0415

        if app.openapi_schema is None:
            app.openapi_schema = document_of(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the framework's own way to do it
