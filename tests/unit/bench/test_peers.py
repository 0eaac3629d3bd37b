"""What peers are told, and that the instrument tells their shaking from a steady crop."""

import json

import numpy as np
import pytest

from bench.against_peers import _worth
from bench.jitter import DOTS, SIGMA_PX
from bench.peers.orders import Order, whole
from bench.rendering import OUTPUT, SOURCE
from bench.resample_oracle import luma_wanted
from shared.render.cropping import Rect

PAN = [Rect(600.3 + 0.13 * n, 40.2 + 0.1 * n, 562.5, 1000.0) for n in (2, 3)]


@pytest.fixture(scope="module")
def dots():
    rows, columns = np.mgrid[: SOURCE.height_px, : SOURCE.width_px] + 0.5
    luma = np.full((SOURCE.height_px, SOURCE.width_px), 40.0)
    for x, y in DOTS:
        near = np.s_[max(int(y) - 30, 0) : int(y) + 30, max(int(x) - 30, 0) : int(x) + 30]
        squares = (columns[near] - x) ** 2 + (rows[near] - y) ** 2
        luma[near] += 170 * np.exp(-squares / (2 * SIGMA_PX**2))
    return np.rint(luma).astype(np.uint8)


def shown(dots, rect):
    return np.rint(luma_wanted(dots, rect, OUTPUT)).astype(np.uint8)


def test_an_order_arrives_as_it_was_given():
    order = Order("a.mp4", "b.mp4", (1080, 1920), 30, rects=[(1.5, 2.0, 3.0, 4.0)], crf=0)
    came = Order(**json.loads(order.line()))
    assert (came.clip, came.into, list(came.output), came.rate) == (
        "a.mp4",
        "b.mp4",
        [1080, 1920],
        30,
    )
    assert (came.rects, came.ellipses, came.crf) == ([[1.5, 2.0, 3.0, 4.0]], [], 0)


def test_a_crop_in_whole_pixels_keeps_its_size():
    sides = [whole((x / 10, 0.0, 607.5, 1080.0)) for x in range(40)]
    assert {(bottom - top, right - left) for top, bottom, left, right in sides} == {(1080, 608)}


def test_a_steady_crop_and_one_in_whole_pixels_are_told_apart(dots):
    steady = [shown(dots, rect) for rect in PAN]
    stepped = [shown(dots, Rect(round(r.x), round(r.y), r.width, r.height)) for r in PAN]
    sources = [dots] * len(PAN)
    good = _worth("it", iter(steady), sources, PAN)
    bad = _worth("it", iter(stepped), sources, PAN)
    assert good["it_jitter_max_px"] < 0.02
    assert good["it_psnr_db"] > 55
    assert bad["it_jitter_max_px"] > 0.3
    assert bad["it_psnr_db"] < 50
