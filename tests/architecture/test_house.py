"""What the house promises to anybody who opens a folder of it."""

import ast
import re
import subprocess
from pathlib import Path

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


def test_d142_no_file_that_git_tracks_holds_a_secret():
    tracked = subprocess.run(
        ["/usr/bin/env", "git", "ls-files"], capture_output=True, text=True, check=True
    ).stdout.split()
    shapes = re.compile(
        r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|rpa_[A-Za-z0-9]{30,}"
        r"|ck_[a-z2-7]{8,}_[a-z2-7]{50,}"
    )
    held = [
        name
        for name in tracked
        if Path(name).suffix in {".py", ".toml", ".md", ".txt", ".sql", ".json", ".sh", ""}
        and shapes.search(Path(name).read_text(errors="ignore"))
    ]
    assert not held
