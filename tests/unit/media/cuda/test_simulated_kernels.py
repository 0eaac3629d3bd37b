"""The device's kernels make the CPU's pictures, as far as a machine without a GPU can tell.

Numba's simulator runs the kernels' own text in Python, one thread after another. What it
cannot tell is what a GPU's compiler makes of it: `tests/gpu` asks that of a device.
"""

import json
import os
import subprocess
import sys

import pytest

from shared.render.effects import Effect

EFFECTS = [each for each in Effect if each is not Effect.NONE]


@pytest.fixture(scope="module")
def found():
    ran = subprocess.run(
        [sys.executable, "-m", "tests.support.simulated_device"],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def assert_the_same_picture(case):
    assert case["worst"] <= 1
    assert case["mean"] < 0.05
    assert case["least_range"] > 20


@pytest.mark.parametrize("turned", range(8))
def test_a_picture_held_in_any_way_is_cropped_as_the_cpu_crops_it(found, turned):
    assert_the_same_picture(found[f"framed 8 {turned}"])


@pytest.mark.parametrize("turned", [0, 6])
def test_ten_bits_on_top_of_sixteen_are_cropped_as_the_cpu_crops_ten(found, turned):
    assert_the_same_picture(found[f"framed 10 {turned}"])


@pytest.mark.parametrize("rect", ["shrinks", "grows", "whole"])
def test_a_crop_that_shrinks_or_grows_is_the_cpus(found, rect):
    assert_the_same_picture(found[f"framed {rect}"])


def test_pixels_that_are_wider_than_high_are_cropped_as_the_cpu_crops_them(found):
    assert_the_same_picture(found["framed wide"])


@pytest.mark.parametrize("bits", [8, 10])
def test_ten_bits_come_out_as_the_cpus_do(found, bits):
    assert_the_same_picture(found[f"framed {bits} to 10"])


@pytest.mark.parametrize("bits", [8, 10])
def test_a_picture_the_cpu_decoded_is_cropped_on_the_device_too(found, bits):
    assert_the_same_picture(found[f"put {bits}"])


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("effect", EFFECTS, ids=str)
def test_an_effect_is_painted_as_the_cpu_paints_it(found, bits, effect):
    case = found[f"painted {bits} {effect.value}"]
    assert_the_same_picture(case)
    assert case["painted"] > 20 * (1 << (bits - 8))


def test_a_whole_engine_makes_the_frames_of_the_cpus(found):
    assert_the_same_picture(found["whole engine"])


def test_a_grid_that_does_not_fit_the_picture_fills_all_of_it(found):
    assert_the_same_picture(found["a grid that does not fit"])
