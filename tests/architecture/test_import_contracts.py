"""Each import contract holds, and fails when it is broken."""

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

PROGRAMS = ["bench", "cli", "client", "gateway", "gpu_worker", "infra", "shared"]

# Contract → a module to add and what it wrongly says.
VIOLATIONS = {
    "gateway-layers": ("gateway/core/wrong_layer.py", "import gateway.services.bell"),
    "adapters-from-bootstrap": ("gateway/services/wrong_adapter.py", "import gateway.adapters"),
    "adapters-know-ports": (
        "gateway/adapters/wrong_service.py",
        "import gateway.services.bell",
    ),
    "settings": ("gateway/services/wrong_settings.py", "import gateway.settings"),
    "core-is-pure": ("shared/render/wrong_io.py", "import os"),
    "two-programs": ("gpu_worker/wrong_gateway.py", "import gateway.core"),
    "shared-stands-alone": ("shared/wrong_library.py", "import httpx"),
    "products-translate": (
        "gateway/api/products/exports/wrong_adapter.py",
        "import gateway.adapters.memory.tables",
    ),
    "products-know-no-application": (
        "gateway/api/products/exports/wrong_application.py",
        "import gateway.bootstrap",
    ),
    "products-apart": (
        "gateway/api/products/wrong_product.py",
        "import gateway.api.products.exports.models",
    ),
    "gateway-libraries": ("gateway/services/wrong_library.py", "import numpy"),
    "worker-libraries": ("gpu_worker/media/wrong_library.py", "import fastapi"),
    "client-is-http": ("client/wrong_program.py", "import gateway.core"),
    "nothing-imports-the-command": ("infra/local/wrong_command.py", "import cli"),
    "infra-runs-programs": ("infra/local/wrong_program.py", "import gpu_worker"),
    "worker-layers": ("gpu_worker/media/wrong_layer.py", "import gpu_worker.runner"),
    "media-layers": (
        "gpu_worker/media/picture/wrong_file.py",
        "import gpu_worker.media.decoding",
    ),
    "shared-kinds": (
        "shared/kinds/export/overlay_wrong.py",
        "import shared.kinds.export.framing",
    ),
    "worker-kinds": (
        "gpu_worker/kinds/export/overlay_wrong.py",
        "import gpu_worker.kinds.export.framing",
    ),
}


def contracts() -> dict[str, str]:
    """Contract id → its name, as `.importlinter` lists them."""
    parser = ConfigParser()
    parser.read(".importlinter")
    prefix = "importlinter:contract:"
    return {
        section.removeprefix(prefix): parser[section]["name"]
        for section in parser.sections()
        if section.startswith(prefix)
    }


def lint(folder: Path) -> dict[str, str]:
    """Contract name → KEPT or BROKEN."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    ran = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
    )
    found = re.findall(r"^(.+?)\s+(KEPT|BROKEN)", ran.stdout, re.MULTILINE)
    assert found, ran.stdout + ran.stderr
    return dict(found)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("violated")
    for program in PROGRAMS:
        shutil.copytree(program, folder / program, ignore=shutil.ignore_patterns("*.mp4"))
    shutil.copy(".importlinter", folder)
    for path, text in VIOLATIONS.values():
        (folder / path).write_text(f'"""Wrong."""\n\n{text}\n')
    return lint(folder)


def test_d28_d30_every_contract_holds():
    assert set(lint(Path.cwd()).values()) == {"KEPT"}


def test_every_contract_has_a_violation_here():
    assert set(VIOLATIONS) == set(contracts())


@pytest.mark.parametrize("contract", sorted(VIOLATIONS))
def test_a_contract_fails_when_it_is_broken(verdicts, contract):
    assert verdicts[contracts()[contract]] == "BROKEN"
