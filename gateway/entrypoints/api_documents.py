"""Write what the API says of itself: `python -m gateway.entrypoints.api_documents docs`."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gateway.api.openapi.markdown import reading_of
from gateway.bootstrap import build_gateway
from gateway.bootstrap_adapters import sqlite_adapters
from gateway.settings import Settings


async def shipped_document() -> dict[str, Any]:
    """Return the document of a gateway with every kind there is and no setting changed."""
    with TemporaryDirectory() as folder:
        settings = Settings.model_validate(
            {
                "environment": "development",
                "database_path": Path(folder, "cutroom.db"),
                "public_base_url": "http://127.0.0.1",
                "token_secret": "nothing is ever signed with this one",
            }
        )
        adapters = sqlite_adapters(settings)
        try:
            return build_gateway(settings, adapters).app.openapi()
        finally:
            await adapters.close()


def files_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Return each file's text by its name."""
    return {
        "openapi.json": json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        "api.md": reading_of(document),
    }


def main() -> None:
    """Write the files into the folder that is named."""
    folder = Path(sys.argv[1])
    for name, text in files_of(asyncio.run(shipped_document())).items():
        Path(folder, name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
