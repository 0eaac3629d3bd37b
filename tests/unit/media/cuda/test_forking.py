"""CUDA survives no fork: what the zygote imports has nothing of it."""

import subprocess
import sys

import pytest

from gpu_worker.hardware_search import DEVICE_NODE
from gpu_worker.media.cuda.device import NoDevice, open_device

PROGRAM = """
import sys
import gpu_worker.kinds
import gpu_worker.media.fallback
gpu_worker.kinds.load_runners()
print([name for name in sys.modules if name.startswith(("numba.cuda", "numba_cuda", "cuda."))])
print([line for line in open("/proc/self/maps") if "libcuda" in line])
"""


def test_what_jobs_are_forked_from_has_loaded_nothing_of_cuda():
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120
    )

    assert ran.stdout.split("\n") == ["[]", "[]", ""]


@pytest.mark.skipif(DEVICE_NODE.exists(), reason="a GPU is here")
def test_without_a_driver_there_is_no_device():
    with pytest.raises(NoDevice, match="libcuda"):
        open_device()
