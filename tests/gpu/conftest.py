"""Tests of this folder need an NVIDIA GPU: without one each is skipped, and says so."""

import os
from pathlib import Path

import pytest

from gpu_worker.hardware import Hardware
from gpu_worker.hardware_search import DEVICE_NODE, HardwareSearch
from gpu_worker.media.decoding.footage import Source
from gpu_worker.media.decoding.probe import probe

HERE = Path(__file__).parent
SAMPLE = Path("infra/local/samples/car-detection.mp4")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all of them, so that `-m gpu` finds them, and skip where there is no device."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("gpu")
            # Numba finds small pictures too small for a GPU, and is right.
            item.add_marker(pytest.mark.filterwarnings("ignore:Grid size"))
            if not DEVICE_NODE.exists():
                item.add_marker(pytest.mark.skip(reason="this machine has no NVIDIA GPU"))


@pytest.fixture(scope="session")
def hardware() -> Hardware:
    """What the GPU here does, as a worker finds it."""
    return HardwareSearch("cuda", os.environ).found(300)


@pytest.fixture(scope="session")
def sample() -> Source:
    """Real footage."""
    return probe(SAMPLE)
