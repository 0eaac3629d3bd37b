"""What starting costs: CPU time of the imports a cold gateway and a cold worker make.

Taken inside each process when its imports are done: neither starting Python counts, nor
tearing down, which a process that goes on to serve does not do.
"""

from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec

from bench.figures import CannotRun, Figure, Measurement
from bench.paired import Cost, interleaved
from bench.workplace import Workplace

GATEWAY = "import gateway.entrypoints.aws_lambda"
FASTAPI = "import fastapi, mangum"
# What a gateway imports that imports everything at the top of its modules.
NAIVE_LIBRARIES = ("fastapi", "mangum", "boto3", "httpx", "sqlalchemy")
NAIVE = (
    "import fastapi, mangum, boto3, httpx, sqlalchemy.orm; boto3.client("
    "'s3', endpoint_url='http://127.0.0.1:9', region_name='auto', "
    "aws_access_key_id='a', aws_secret_access_key='b')"
)

HANDLER = "import gpu_worker.handler, runpod"
ZYGOTE = (
    "import gpu_worker.kinds as kinds, gpu_worker.sandbox.zygote; "
    "kinds.load_runners(); kinds.warm()"
)

_RUNS_EACH_ROUND = 4


def against_fastapi(place: Workplace) -> Mapping[str, float]:
    """Our Lambda's module over the framework alone."""
    ours_s, theirs_s = _cpu_s(place, GATEWAY, FASTAPI)
    return {"cold_import_vs_fastapi": ours_s / theirs_s}


def against_naive(place: Workplace) -> Mapping[str, float]:
    """Our Lambda's module over all the usual libraries, with a client of boto3's."""
    absent = [name for name in NAIVE_LIBRARIES if find_spec(name) is None]
    if absent:
        raise CannotRun(f"the peer needs {' and '.join(absent)}, no dependency of cutroom's")
    ours_s, theirs_s = _cpu_s(place, GATEWAY, NAIVE)
    return {"cold_import_vs_naive": ours_s / theirs_s}


def worker_imports(place: Workplace) -> Mapping[str, float]:
    """The handler with RunPod's SDK, and the zygote with its kernels from the cache."""
    place.python("-c", ZYGOTE)  # compiles what the cache lacks
    return {"worker_import_cpu_s": sum(_cpu_s(place, HANDLER, ZYGOTE))}


def _cpu_s(place: Workplace, *codes: str) -> list[float]:
    """The least CPU time of each line of Python."""
    best = interleaved(
        {code: partial(_imported, place, code) for code in codes},
        place.effort.rounds * _RUNS_EACH_ROUND,
    )
    return [best[code].cpu_s for code in codes]


def _imported(place: Workplace, code: str) -> Cost:
    timed = (
        "import time; wall_s, cpu_s = time.perf_counter(), time.process_time()\n"
        f"{code}\n"
        "print(time.perf_counter() - wall_s, time.process_time() - cpu_s)"
    )
    return Cost(*map(float, place.python("-c", timed).splitlines()[-1].split()))


MEASUREMENTS = (
    Measurement((Figure("cold_import_vs_fastapi", "×", 1.35),), against_fastapi),
    Measurement((Figure("cold_import_vs_naive", "×", 0.45),), against_naive),
    Measurement((Figure("worker_import_cpu_s", "s", 3.0, judged=False),), worker_imports),
)
