"""What a cold start pays for RunPod's SDK."""

import json
import subprocess
import sys
from typing import Any

WATCHED = """
import json, sys
measuring = []
def heard(name, given):
    if name == "subprocess.Popen" and "cpuinfo.py" in str(given):
        measuring.append(name)
sys.addaudithook(heard)
{imported}
import cpuinfo
from runpod.serverless.utils import rp_debugger
print(json.dumps([len(measuring), rp_debugger.PROCESSOR, cpuinfo.get_cpu_info.__module__]))
"""


def imported(how: str) -> Any:
    """How many processes measured the processor, its name, and whose look-up is left."""
    command = [sys.executable, "-c", WATCHED.format(imported=how)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def test_the_worker_imports_the_sdk_without_measuring_and_leaves_all_as_it_was():
    ours = "from gpu_worker.runpod_sdk import import_sdk; import_sdk().serverless.start"

    measuring, processor, whose = imported(ours)

    assert measuring == 0
    assert processor
    assert whose == "cpuinfo.cpuinfo"


def test_imported_by_itself_the_sdk_measures_which_is_why():
    measuring, _, _ = imported("import runpod")

    assert measuring == 1
