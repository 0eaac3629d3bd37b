"""What import-linter cannot see: an allow-list for core, and what starting really loads."""

import ast
import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PURE = {"collections", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools"}
PURE |= {"hashlib", "hmac", "itertools", "json", "math", "re", "types", "typing"}
PURE |= {"base64", "bisect", "typing_extensions", "urllib", "uuid", "__future__", "unicodedata"}
PURE |= {"ipaddress"}


def imports_of(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        if isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.lineno, node.module))
    return found


@pytest.mark.parametrize("core", ["gateway.core", "shared.render"])
def test_core_imports_only_pure_standard_library_and_itself(core: str):
    strange = [
        f"{path}:{line} imports {name}"
        for path in Path(core.replace(".", "/")).rglob("*.py")
        for line, name in imports_of(path)
        if name.split(".")[0] not in PURE and not name.startswith((core, "shared."))
    ]
    assert not strange


def test_a_worker_kind_uses_the_models_of_no_other_kind():
    kinds = Path("gpu_worker/kinds")
    strange = [
        f"{path} uses the models of {other}"
        for path in kinds.rglob("*.py")
        for other in set(re.findall(r"shared\.kinds\.(\w+\.\w+)", path.read_text()))
        - {".".join(path.relative_to(kinds).parts[:2]).removesuffix(".py")}
    ]
    assert not strange


@functools.cache
def loaded_with(modules: str) -> set[str]:
    """The names of all modules there are in a process that imports only these."""
    code = f"import sys, {modules}; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(ran.stdout.split())


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("gateway.bootstrap", {"av", "boto3", "numpy", "runpod", "torch", "uvicorn"}),
        ("gateway.bootstrap, gateway.bootstrap_adapters", {"boto3", "httpx", "uvicorn"}),
        ("gateway.bootstrap_adapters", {"fastapi", "gateway.bootstrap", "gateway.wiring"}),
        # The rest of what operators' commands load.
        ("gateway.wiring_keeping, gateway.services.budgets", {"fastapi", "gateway.wiring"}),
        ("gateway.bootstrap", {"gateway.api.openapi.document", "gateway.api.openapi.models"}),
        ("gateway.entrypoints.aws_lambda", {"gateway.bootstrap", "gateway.wiring", "httpx"}),
        ("gateway.entrypoints.aws_lambda", {"gateway.services.submit_job", "fastapi"}),
        ("gpu_worker.handler", {"av", "boto3", "fastapi", "mangum", "runpod", "starlette"}),
        ("client", {"av", "boto3", "fastapi", "numpy", "runpod", "starlette", "typer"}),
    ],
)
def test_importing_loads_none_of_the_other_sides_libraries(module: str, absent: set[str]):
    assert not absent & loaded_with(module)


def test_d28_d84_every_module_imports_in_an_empty_environment_and_starts_nothing(tmp_path):
    modules = [
        ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for program in ("cli", "client", "gateway", "gpu_worker", "infra", "shared")
        for path in sorted(Path(program).rglob("*.py"))
        if path.name != "__main__.py"
    ]
    code = (
        "import sys, threading\n"
        f"for name in {modules!r}: __import__(name)\n"
        "print(threading.active_count())"
    )
    empty = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
    # Empty but for where compiled kernels are kept: they take half a minute.
    kept = {name: os.environ[name] for name in ("NUMBA_CACHE_DIR",) if name in os.environ}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=empty | kept,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip().splitlines()[-1] == "1"
