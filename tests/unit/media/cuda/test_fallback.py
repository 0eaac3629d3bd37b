"""Whatever a device fails with, the export is made: the CPU's picture, progress steady."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import pytest

from gpu_worker.hardware import NO_HARDWARE, Hardware
from gpu_worker.kind_work import Stopped
from gpu_worker.media.cpu_engine import CpuEngine
from gpu_worker.media.cuda.choice import Choice
from gpu_worker.media.cuda.engine import CudaEngine
from gpu_worker.media.decoding.probe import probe
from gpu_worker.media.encoding.encoders import Encoder
from gpu_worker.media.fallback import render_on, with_fallback
from gpu_worker.media.pipeline import Threads
from gpu_worker.media.render import render
from gpu_worker.media.segments import Order
from shared.errors import JobFailed
from shared.render.cropping import Size
from shared.render.delivery import Delivery
from shared.render.plan import plan_framing
from tests.support.exports import shots
from tests.support.footage import Clip, flat, grey, with_number

FRAMES = 12
CPU = CpuEngine(Threads.for_cores(2))
NO_DEVICE_HERE = pytest.mark.skipif(
    Path("/dev/nvidiactl").exists(), reason="a GPU is here; tests/gpu takes it away"
)


class DriverLost(Exception):
    """What a fake device fails with."""


@dataclass(frozen=True)
class CpuWhichFails:
    """An engine like the CPU's, until it fails."""

    at_encoder: Exception | None = None
    at_open: Exception | None = None
    at_frame: tuple[int, BaseException] | None = None
    name: str = "fake"

    @contextmanager
    def frames(self, *asked) -> Iterator["Frames"]:
        if self.at_open is not None:
            raise self.at_open
        with CPU.frames(*asked) as frames:
            yield Frames(frames, self.at_frame)

    def encoder(self, delivery: Delivery, bits: int = 8) -> Encoder:
        if self.at_encoder is not None:
            raise self.at_encoder
        return CPU.encoder(delivery, bits)


@dataclass(frozen=True)
class Frames:
    """Frames that end in an error at one of them."""

    made: object
    fails: tuple[int, BaseException] | None

    def __iter__(self):
        for n, frame in enumerate(self.made):
            if self.fails is not None and self.fails[0] == n:
                raise self.fails[1]
            yield frame

    @property
    def remarks(self):
        return self.made.remarks


@dataclass
class Bench:
    """A short video, and what a render of it says."""

    order: Order
    into: object
    said: list[float] = field(default_factory=list)
    crews: list[object] = field(default_factory=list)

    def attempt(self, engine, crew, progress):
        self.crews.append(crew)
        return render(self.order, self.into, progress, engine)

    def made_with(self, engine, crew=None):
        return with_fallback(engine, self.attempt, crew, self.said.append)

    def numbers(self) -> list[bytes]:
        return [shot.y.tobytes() for shot in shots(self.into)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("fallback") / "clip.mp4"
    pictures = (grey(with_number(flat(160, 96), n, (10, 10))) for n in range(FRAMES))
    return Clip(rate=Fraction(25)).write(path, pictures)


@pytest.fixture
def bench(clip, tmp_path):
    source = probe(clip)
    plan = plan_framing(source.footage, Size(64, 48), ())
    return Bench(Order(source, plan, Delivery()), tmp_path / "made.mp4")


@pytest.fixture
def on_the_cpu(bench, tmp_path):
    alone = Bench(bench.order, tmp_path / "cpu.mp4")
    alone.made_with(CPU)
    return alone.numbers()


FAILURES = {
    "encoder": CpuWhichFails(at_encoder=JobFailed("internal", detail="no NVENC session left")),
    "open": CpuWhichFails(at_open=DriverLost("CUDA_ERROR_OUT_OF_MEMORY")),
    "first": CpuWhichFails(at_frame=(0, DriverLost("CUDA_ERROR_UNKNOWN"))),
    "middle": CpuWhichFails(at_frame=(7, MemoryError())),
    "input": CpuWhichFails(at_frame=(4, JobFailed("input_unreadable"))),
}


@pytest.mark.parametrize("engine", FAILURES.values(), ids=FAILURES)
def test_a_device_that_fails_is_made_good_by_the_cpu(bench, on_the_cpu, engine):
    made = bench.made_with(engine)

    assert bench.numbers() == on_the_cpu
    assert [each.code for each in made.remarks] == ["gpu_unavailable"]


def test_progress_waits_until_the_second_start_has_caught_up(bench):
    bench.made_with(FAILURES["middle"])

    assert bench.said == sorted(bench.said)
    assert bench.said.count(7 / FRAMES) == 1 + 7
    assert bench.said[-1] == 1


def test_a_device_that_holds_is_not_remarked(bench, on_the_cpu):
    made = bench.made_with(CpuWhichFails())

    assert made.remarks == ()
    assert bench.numbers() == on_the_cpu


def test_a_full_disk_is_not_the_devices_fault(bench):
    full = CpuWhichFails(at_frame=(3, OSError(errno.ENOSPC, "No space left on device")))

    with pytest.raises(OSError, match="No space left"):
        bench.made_with(full)

    assert len(bench.crews) == 1


def test_work_that_is_told_to_stop_is_not_begun_again(bench):
    with pytest.raises(Stopped):
        bench.made_with(CpuWhichFails(at_frame=(3, Stopped())))

    assert len(bench.crews) == 1


def test_what_the_cpu_cannot_read_either_fails_as_it_says(bench):
    def unreadable(engine, crew, progress):
        raise JobFailed("input_unreadable" if engine.name == "cpu" else "internal")

    with pytest.raises(JobFailed) as failure:
        with_fallback(CpuWhichFails(), unreadable, None, bench.said.append)

    assert failure.value.what == "input_unreadable"


def test_a_process_that_has_spoken_to_a_device_never_forks(bench):
    crew = FakeCrew()

    bench.made_with(FAILURES["middle"], crew)
    assert bench.crews == [None, None]

    bench.made_with(None, crew)
    assert bench.crews[2:] == [crew]


@dataclass(frozen=True)
class FakeCrew:
    """Only its cores are asked for."""

    cores: int = 2


def test_without_hardware_no_device_is_asked(bench, on_the_cpu):
    made = render_on(NO_HARDWARE, bench.order, bench.into, bench.said.append, None)

    assert made.remarks == ()
    assert bench.numbers() == on_the_cpu


@NO_DEVICE_HERE
def test_hardware_that_was_there_at_the_start_and_is_gone_is_made_good(bench, on_the_cpu):
    gone = Hardware(warps=True, decodes=frozenset({"h264 8"}))

    made = render_on(gone, bench.order, bench.into, bench.said.append, None)

    assert [each.code for each in made.remarks] == ["gpu_unavailable"]
    assert bench.numbers() == on_the_cpu


@NO_DEVICE_HERE
def test_an_encoder_that_is_gone_is_made_good(bench, on_the_cpu):
    made = bench.made_with(CudaEngine(Choice(encode=True), CPU))

    assert [each.code for each in made.remarks] == ["gpu_unavailable"]
    assert bench.numbers() == on_the_cpu


def test_the_file_left_behind_is_the_second_ones_alone(bench):
    bench.made_with(FAILURES["middle"])

    with av.open(str(bench.into)) as made:
        assert made.streams.video[0].frames == FRAMES
    assert [each.name for each in bench.into.parent.iterdir()] == [bench.into.name]
