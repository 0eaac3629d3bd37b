"""The benchmarks' harness: what is judged, what the file says, when the command fails."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bench.__main__ import run
from bench.figures import CannotRun, Figure, Measurement
from bench.paired import Cost, interleaved, spawned
from bench.workplace import QUICK, Effort, Workplace

RATIO = Figure("ratio", "×", 1.2)
SPEED = Figure("speed", "×", 2, at_least=True)
TIME = Figure("time", "ms", 50, judged=False)

Run = Callable[[Workplace], Mapping[str, float]]


def giving(**values: float) -> Run:
    return lambda _place: values


def raising(error: Exception) -> Run:
    def run_(_place: Workplace) -> Mapping[str, float]:
        raise error

    return run_


def benched(
    build: Path, *measurements: Measurement, names: tuple[str, ...] = (), quick: bool = False
):
    code = run(names, measurements, build, QUICK if quick else Effort())
    return code, json.loads((build / "bench.json").read_text())


@pytest.mark.parametrize(
    ("figure", "value", "ok", "code"),
    [
        (RATIO, 1.2, True, 0),
        (RATIO, 1.21, False, 1),
        (SPEED, 2.0, True, 0),
        (SPEED, 1.99, False, 1),
        (TIME, 49.0, None, 0),
        (TIME, 5000.0, None, 0),
    ],
)
def test_ratios_and_counts_are_judged_and_times_only_recorded(
    tmp_path: Path, figure: Figure, value: float, ok: bool | None, code: int
):
    measurement = Measurement((figure,), giving(**{figure.name: value}))

    ended, written = benched(tmp_path, measurement)

    assert ended == code
    expected = {"value": value, "target": figure.target, "unit": figure.unit, "ok": ok}
    assert written == {figure.name: expected}


def test_what_cannot_run_says_why_and_is_no_pass(tmp_path: Path):
    absent = Measurement((RATIO, TIME), raising(CannotRun("rclone is not installed")))

    ended, written = benched(tmp_path, absent)

    assert ended == 0
    assert [written[name]["value"] for name in ("ratio", "time")] == [None, None]
    assert [written[name]["ok"] for name in ("ratio", "time")] == [None, None]
    assert written["ratio"]["why"] == "rclone is not installed"


def test_a_measurement_that_breaks_fails_the_run_and_spares_the_others(tmp_path: Path):
    broken = Measurement((RATIO, TIME), raising(OSError("disk full")))

    ended, written = benched(tmp_path, broken, Measurement((SPEED,), giving(speed=3)))

    assert ended == 1
    assert written["ratio"]["ok"] is written["time"]["ok"] is False
    assert written["time"]["why"] == "OSError: disk full"
    assert written["speed"]["ok"] is True


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_ok_whatever_the_target(tmp_path: Path, value: float):
    measurement = Measurement((SPEED, TIME), giving(speed=value))

    ended, written = benched(tmp_path, measurement)

    assert ended == 1
    assert [written[name]["value"] for name in ("speed", "time")] == [None, None]
    assert [written[name]["ok"] for name in ("speed", "time")] == [False, False]


def test_only_the_named_figures_are_measured_and_written(tmp_path: Path):
    other = Measurement((RATIO,), raising(AssertionError("nobody asked")))

    ended, written = benched(
        tmp_path, other, Measurement((SPEED, TIME), giving(speed=3, time=1)), names=("time",)
    )

    assert ended == 0
    assert list(written) == ["time"]


def test_an_unknown_name_measures_nothing(tmp_path: Path):
    ended = run(["tiem"], [Measurement((TIME,), giving(time=1))], tmp_path, Effort())

    assert ended == 2
    assert list(tmp_path.iterdir()) == []


def test_a_quick_run_judges_nothing(tmp_path: Path):
    ended, written = benched(tmp_path, Measurement((RATIO,), giving(ratio=9)), quick=True)

    assert ended == 0
    assert written["ratio"]["value"] == 9
    assert written["ratio"]["ok"] is None


def test_a_run_leaves_its_file_and_the_compiled_kernels(tmp_path: Path):
    def litter(place: Workplace) -> Mapping[str, float]:
        (place.room("clips") / "clip.mp4").write_bytes(b"x")
        return {"ratio": 1.0}

    benched(tmp_path, Measurement((RATIO,), litter))

    assert sorted(each.name for each in tmp_path.rglob("*")) == ["bench.json", "kernels"]


def test_the_table_tells_a_miss_from_what_was_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    absent = Measurement((SPEED,), raising(CannotRun("no rclone")))

    benched(tmp_path, Measurement((RATIO,), giving(ratio=1.5)), absent)

    missed, not_run = capsys.readouterr().out.splitlines()
    assert missed.split() == ["ratio", "1.5", "×", "≤", "1.2", "MISSED"]
    assert not_run.endswith("not run: no rclone")


def test_contenders_take_turns_and_keep_the_best_of_each():
    order: list[str] = []

    def contender(name: str, costs: list[Cost]) -> Callable[[], Cost]:
        def once() -> Cost:
            order.append(name)
            return costs.pop(0)

        return once

    best = interleaved(
        {
            "ours": contender("ours", [Cost(5, 2), Cost(4, 3), Cost(6, 9)]),
            "floor": contender("floor", [Cost(3, 1), Cost(8, 8), Cost(2, 7)]),
        },
        rounds=3,
    )

    assert order == ["ours", "floor", "floor", "ours", "ours", "floor"]
    assert best == {"ours": Cost(4, 2), "floor": Cost(2, 1)}


def test_a_command_s_time_counts_what_its_children_burn():
    burn = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"

    cost = spawned(["sh", "-c", '"$0" -c "$1"; true', sys.executable, burn])

    assert cost.cpu_s >= 0.2


def test_a_command_that_fails_is_no_measurement():
    with pytest.raises(RuntimeError, match=r"sh ended with 3: why"):
        spawned(["sh", "-c", "echo why; exit 3"])
