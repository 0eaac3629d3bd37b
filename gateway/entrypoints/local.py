"""Serve on this computer: `uvicorn --factory gateway.entrypoints.local:app`."""

import sys

from fastapi import FastAPI

from gateway.bootstrap import build_gateway, sqlite_adapters
from gateway.settings import load_settings
from shared.logs import start_logging


def app() -> FastAPI:
    """A factory, so that importing this module starts nothing."""
    settings = load_settings()
    start_logging(sys.stdout, level=settings.log_level)
    return build_gateway(settings, sqlite_adapters(settings)).app
