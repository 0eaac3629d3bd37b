"""Adding a kind of job takes two new files and no edit to any other."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = ["gateway", "gpu_worker", "shared"]

SHARED = '''
"""Reverse a text."""
from shared.job_kind import JobKind, PriceRule, Wire
class ReverseInput(Wire):
    """The text."""
    text: str
class ReverseOutput(Wire):
    """The text, backwards."""
    text: str
KIND = JobKind(
    name="text.reverse", version=1, description="Reverses a text.", input=ReverseInput,
    output=ReverseOutput, outputs={}, stages=("prepare", "persist"), compute="cpu",
    price=PriceRule(lambda *_: 60.0, lambda *_: 1.0, "flat"), deadline_s=600,
)
'''
WORKER = '''
"""Reverse a text: the work."""
from gpu_worker.kind_work import Made, Work
from shared.kinds.text.reverse import KIND, ReverseInput, ReverseOutput
def run(work: Work[ReverseInput]) -> Made:
    """Reverse it."""
    return Made(ReverseOutput(text=work.input.text[::-1]))
'''
BOTH_SIDES = """
import json
from pathlib import Path
from gateway.services.submit_job import SubmitJob
from gpu_worker.kind_work import Work
from gpu_worker.kinds import load_runners
from shared.kinds import load_kinds

kind, runner = load_kinds()["text.reverse"], load_runners()["text.reverse"]
asked = kind.parse_input({"text": "reel"})
work = Work(asked, {}, Path("."), lambda *_: None, lambda _: None, lambda *_: None)
print(json.dumps(runner.run(work).result.model_dump()))
"""


@pytest.mark.parametrize("worker_file", ["reverse.py", "reverse/__init__.py"])
def test_two_new_files_carry_a_job_from_request_to_result(tmp_path: Path, worker_file: str):
    for program in PROGRAMS:
        shutil.copytree(program, tmp_path / program)
    for program in ("shared", "gpu_worker"):
        group = tmp_path / program / "kinds/text"
        group.mkdir()
        (group / "__init__.py").touch()  # a group's first kind also makes the group
    (tmp_path / "shared/kinds/text/reverse.py").write_text(SHARED)
    runner = tmp_path / "gpu_worker/kinds/text" / worker_file
    runner.parent.mkdir(exist_ok=True)
    runner.write_text(WORKER)

    finished = subprocess.run(
        [sys.executable, "-c", BOTH_SIDES],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == {"text": "leer"}
