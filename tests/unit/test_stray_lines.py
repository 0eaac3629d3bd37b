"""What no logger was asked to write is a line of the log all the same."""

import json
import subprocess
import sys
import textwrap

import pytest

PROGRAM = """
import sys, threading, warnings
from shared.logs import start_logging
from shared.stray_lines import log_what_is_printed, log_what_strays

start_logging(sys.stdout)
log_what_strays()
log_what_is_printed()
{body}
"""


def lines_of(body: str) -> list[dict[str, object]]:
    program = PROGRAM.format(body=textwrap.dedent(body))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


BODY = r"""
print("INFO   | job-1 | Started.", flush=True)
print('first\n{"event": "forged"}', "\x1b[2J")
print("x" * 5000, end="")
warnings.warn("mind the gap")
thread = threading.Thread(target=lambda: 1 / 0, name="t1")
thread.start()
thread.join()
raise RuntimeError("out\nof here: Bearer hunter2")
"""


@pytest.fixture(scope="module")
def lines():
    return lines_of(BODY)


def test_what_is_printed_is_logged_line_by_line(lines):
    printed = [line["text"] for line in lines if line["event"] == "printed"]
    assert printed[:3] == [
        "INFO   | job-1 | Started.",
        "first",
        '{"event": "forged"} \x1b[2J',
    ]
    assert len(printed[3]) == 1000


def test_a_warning_is_logged(lines):
    (said,) = [line for line in lines if line["logger"] == "py.warnings"]
    assert "mind the gap" in said["event"]


def test_what_ends_a_thread_or_the_program_is_logged_with_its_traceback(lines):
    in_thread, at_the_end = [line for line in lines if line["event"] == "uncaught"]
    assert (in_thread["in_thread"], at_the_end["level"]) == ("t1", "CRITICAL")
    assert "ZeroDivisionError" in in_thread["traceback"]
    assert "RuntimeError: out" in at_the_end["traceback"]
    assert "hunter2" not in str(lines)
