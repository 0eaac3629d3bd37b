"""A gateway that may not start says why, in a sentence and to whoever started it."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
HIDDEN = "hunter2-hunter2"


def test_a_gateway_that_is_misconfigured_names_the_variables_and_ends():
    run = subprocess.run(
        [sys.executable, "-m", "gateway.entrypoints.local", "--port", "0"],
        env={"PYTHONPATH": str(REPOSITORY), "CORS_ORIGINS": "*", "API_KEY": f"{HIDDEN}\n\t!"},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("the gateway cannot start: ")
    assert "CUTROOM_TOKEN_SECRET is not set" in run.stderr
    assert "CORS_ORIGINS: * would" in run.stderr
    assert "Traceback" not in run.stderr
    assert HIDDEN not in run.stderr
