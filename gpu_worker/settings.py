"""What an operator may set on a worker, by environment: `CUTROOM_WORKER_…`."""

import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _scratch() -> Path:
    return Path(tempfile.gettempdir()) / "cutroom-worker"


class WorkerSettings(BaseSettings):
    """Read once, by the handler, and passed down. Zero bytes or seconds are refused."""

    model_config = SettingsConfigDict(
        env_prefix="CUTROOM_WORKER_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    compute: Literal["gpu", "cpu"] = Field("gpu", description="Which endpoint this serves.")
    version: str = Field("dev", max_length=64, description="Told with each claim.")
    gpu: str | None = Field(None, max_length=128, description="Overrides the GPU RunPod names.")
    scratch: Path = Field(default_factory=_scratch, description="Where attempts keep files.")
    numba_cache_dir: str = Field("", description="Compiled kernels; baked into the image.")
    jobs_at_once: int = Field(1, ge=1, le=1000, description="Deliveries taken at once.")
    media_at_once: int = Field(1, ge=1, le=64, description="Child processes at once.")
    render_processes: int | None = Field(
        None, ge=1, le=64, description="Processes that share one export; else as many as pay."
    )
    engine: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="What renders: the GPU where it can, the CPU, the GPU or say so."
    )
    engine_search_s: float = Field(
        60, gt=0, description="How long a GPU may take at boot to show what it can."
    )
    memory_limit_mb: int | None = Field(
        None, ge=256, description="Address space of one child; else most of the machine's."
    )
    file_limit_mb: int = Field(20_480, ge=1, description="The largest file a child may write.")
    open_files: int = Field(256, ge=64, description="Files a child may have open.")
    look_cpu_s: float = Field(
        60, gt=0, description="CPU seconds a file may take to be looked through."
    )
    tasks: int = Field(
        1024, ge=64, description="Processes and threads a child may start, where not root."
    )
    zygote_ready_s: float = Field(120, gt=0, description="How long imports may take at boot.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
