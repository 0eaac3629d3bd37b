import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from gpu_worker.sandbox.zygote_process import ZygoteBroken, ZygoteProcess, clean_environment

AMBIENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/root",
    "RUNPOD_AI_API_KEY": "rpa_secret",
    "RUNPOD_POD_ID": "pod-1",
    "CUTROOM_WORKER_TOKEN": "token",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "HF_TOKEN": "hf",
}
KINDS = (sys.executable, "-m", "gpu_worker.sandbox.zygote", "tests.support.worker_kinds")


@pytest.fixture(scope="module")
def zygote():
    made = ZygoteProcess(KINDS, clean_environment(AMBIENT, numba_cache_dir="/cache"), list)
    made.wait_ready(60)
    yield made
    made.close()


def test_the_zygote_has_no_secret_in_its_environment(zygote):
    raw = Path(f"/proc/{zygote.pid}/environ").read_text()
    names = {each.partition("=")[0] for each in raw.strip("\0").split("\0")}
    assert names == {
        "PATH",
        "HOME",
        "MALLOC_ARENA_MAX",
        "MALLOC_MMAP_THRESHOLD_",
        "OPENBLAS_NUM_THREADS",
        "NUMBA_CACHE_DIR",
        "NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS",
        "PYTHONUNBUFFERED",
    }


def test_the_zygote_has_one_thread(zygote):
    assert os.listdir(f"/proc/{zygote.pid}/task") == [str(zygote.pid)]


def test_the_zygote_is_beyond_signals_to_the_workers_group(zygote):
    assert os.getsid(zygote.pid) == zygote.pid
    assert os.getsid(zygote.pid) != os.getsid(0)


def test_the_zygote_holds_nothing_of_the_workers_but_its_socket(zygote):
    opened = [
        Path(f"/proc/{zygote.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{zygote.pid}/fd")
    ]
    inherited = [fd for fd in opened if fd.name not in "012"]
    kinds = {os.readlink(fd).partition(":")[0] for fd in inherited}
    assert kinds <= {"socket", "anon_inode"}


def test_closed_the_zygote_is_gone():
    zygote = ZygoteProcess(KINDS, clean_environment(AMBIENT, numba_cache_dir=""), list)
    zygote.wait_ready(60)
    zygote.close()
    assert not psutil.pid_exists(zygote.pid)


def test_a_zygote_that_cannot_import_its_kinds_is_broken():
    command = (sys.executable, "-c", "raise SystemExit(3)")
    broken = ZygoteProcess(command, clean_environment(AMBIENT, numba_cache_dir=""), list)
    with pytest.raises(ZygoteBroken, match="died"):
        broken.wait_ready(60)
    broken.close()


def test_a_zygote_that_does_not_come_up_in_time_is_broken():
    command = (sys.executable, "-c", "import signal; signal.pause()")
    slow = ZygoteProcess(command, clean_environment(AMBIENT, numba_cache_dir=""), list)
    with pytest.raises(ZygoteBroken, match=r"not ready after 0\.01 s"):
        slow.wait_ready(0.01)
    slow.close()


@pytest.fixture
def doomed(tmp_path):
    """A worker with a job in hand, and by name the processes around it."""
    program = Path(__file__).with_name("doomed_worker.py")
    command = [sys.executable, str(program), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        pids = map(int, worker.stdout.readline().split())
        around = dict(zip(("helper", "zygote", "child", "grandchild"), pids, strict=True))
        yield worker, {name: psutil.Process(pid) for name, pid in around.items()}
        os.kill(around["helper"], signal.SIGKILL)


@pytest.mark.processes
def test_d34_a_worker_killed_with_sigkill_leaves_no_process_behind(doomed):
    worker, around = doomed
    ours = [around["zygote"], around["child"], around["grandchild"]]

    worker.kill()
    _, alive = psutil.wait_procs(ours, timeout=30)

    assert alive == []
    assert around["helper"].is_running()


@pytest.mark.processes
def test_a_child_dies_also_when_worker_and_zygote_are_killed_together(doomed):
    worker, around = doomed

    worker.send_signal(signal.SIGSTOP)
    around["zygote"].kill()
    worker.kill()
    _, alive = psutil.wait_procs([around["child"]], timeout=30)
    around["grandchild"].kill()  # nobody is left who would know of it

    assert alive == []
