import pytest
from pydantic import ValidationError

from gpu_worker import machine
from gpu_worker.settings import WorkerSettings


def test_the_machine_has_cores_and_memory():
    assert machine.cores() >= 1
    assert machine.memory_mb() >= 64


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"RUNPOD_WEBHOOK_GET_JOB": "https://x/job-take/p?gpu=NVIDIA+L4&a=1"}, "NVIDIA L4"),
        ({"RUNPOD_WEBHOOK_POST_OUTPUT": "https://x/job-done/p/j?gpu=A40"}, "A40"),
        ({"RUNPOD_WEBHOOK_GET_JOB": "https://x/job-take/p?a=1"}, None),
        ({}, None),
    ],
)
def test_the_gpu_is_named_as_runpod_names_it(environment, name):
    assert machine.gpu_name(environment) == name


def test_settings_come_from_the_environment_and_an_empty_one_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("CUTROOM_WORKER_COMPUTE", "cpu")
    monkeypatch.setenv("CUTROOM_WORKER_SCRATCH", str(tmp_path))
    monkeypatch.setenv("CUTROOM_WORKER_MEMORY_LIMIT_MB", "")
    settings = WorkerSettings()
    assert (settings.compute, settings.scratch) == ("cpu", tmp_path)
    assert settings.memory_limit_mb is None


@pytest.mark.parametrize(
    ("name", "value"), [("COMPUTE", "tpu"), ("JOBS_AT_ONCE", "0"), ("LOG_LEVEL", "LOUD")]
)
def test_settings_that_make_no_sense_are_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"CUTROOM_WORKER_{name}", value)
    with pytest.raises(ValidationError):
        WorkerSettings()
