"""What the house promises to anybody who opens a folder of it."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

PROGRAMS = ("cli", "client", "gateway", "gpu_worker", "infra", "shared")
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}


def modules() -> list[Path]:
    return [path for program in PROGRAMS for path in Path(program).rglob("*.py")]


def test_no_module_has_a_name_that_says_nothing():
    assert not [path for path in modules() if set(path.parts) & SAYS_NOTHING]
    assert not [path for path in modules() if path.stem in SAYS_NOTHING]


def test_every_folder_says_what_lives_there():
    silent = [
        path
        for path in modules()
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


def test_the_locks_carry_versions_and_hashes_and_no_addresses():
    for lock in Path("requirements").glob("*.txt"):
        text = lock.read_text()
        assert not re.search(r"https?://|--index-url|--find-links", text), lock
        pinned = [line for line in text.splitlines() if re.match(r"^[\w.\[\]-]+==", line)]
        assert text.count("--hash=sha256:") >= len(pinned)


def test_neither_image_installs_the_other_sides_packages():
    def names(lock: str) -> set[str]:
        text = Path("requirements", f"{lock}.txt").read_text()
        return set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))

    assert not names("worker") & {"fastapi", "mangum", "starlette", "uvicorn"}
    assert not names("gateway") & {"av", "ffmpeg-python", "numba", "numpy", "runpod", "torch"}


# The edge of a word is asked for once: asked for by each sort, it takes five times as long.
SECRETS = re.compile(
    r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}\b|rpa_[A-Za-z0-9]{30,}"
    r"|ck_[a-z2-7]{8,}_[a-z2-7]{50,}|gh[pousr]_[A-Za-z0-9]{36}|AIza[0-9A-Za-z_-]{35}"
    r"|sk-[A-Za-z0-9_-]{32,}|xox[abpr]-[0-9A-Za-z-]{20,}|whsec_[A-Za-z0-9+/]{32,}={0,2})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY|\"private_key\"\s*:\s*\"|X-Amz-Signature=[0-9a-f]{64}"
)
# What is spelled out: no letters and figures that anybody was given.
SPELLED_OUT = re.compile(r"(.{1,4}?)\1{5,}")


def git(*words: str) -> str:
    return subprocess.run(
        ["/usr/bin/env", "git", *words], capture_output=True, text=True, check=False
    ).stdout


def test_d142_no_file_that_git_tracks_holds_a_secret():
    held = {
        name: found.group()[:12]
        for name in git("ls-files").splitlines()
        if Path(name).is_file() and b"\0" not in Path(name).read_bytes()
        for found in SECRETS.finditer(Path(name).read_text(errors="ignore"))
        if not SPELLED_OUT.search(found.group())
    }
    assert held == {}


def test_d142_the_scan_finds_a_secret_where_there_is_one():
    made = "ck_mfrggzdfmztwq2lk_" + "nbswy3dpfqqho33snrscc4tpnruw4zzanbqxezjanfxgo2djpe2q"
    assert SECRETS.search(f"api_key = '{made}'")
    assert not SPELLED_OUT.search(made)
    assert SPELLED_OUT.search("ck_one_" + "a2" * 26)


@pytest.mark.parametrize(
    "name",
    [
        *(".env", ".env.production", "gateway/.env", "infra/service-account.json"),
        *("gcp_service_account_prod.json", "credentials.json", "tls.pem", "infra/edge/a.key"),
        *("build/serve/gateway.env", "build/serve.json"),
    ],
)
def test_d142_git_takes_in_no_file_that_keys_are_kept_in(name):
    assert git("check-ignore", "--no-index", name).strip() == name


def test_d142_the_example_is_tracked_and_so_is_all_that_git_has():
    assert ".env.example" in git("ls-files").splitlines()
    assert git("ls-files", "--ignored", "--exclude-standard", "--cached") == ""
