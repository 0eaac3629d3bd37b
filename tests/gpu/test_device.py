"""What a GPU makes is what the CPU makes, and one that goes away takes no export with it."""

import os
import subprocess
import sys
from itertools import product

import av
import pytest

from bench.clips import Film, textured
from bench.gpu_pictures import least_psnr_db, plans
from bench.warm_worker import warm_worker
from bench.workplace import QUICK, workplace
from gpu_worker.hardware import Hardware
from gpu_worker.hardware_search import HardwareSearch
from gpu_worker.media.cuda.choice import Choice, decodable
from gpu_worker.media.decoding.probe import probe
from gpu_worker.media.fallback import render_on
from gpu_worker.media.segments import Order
from gpu_worker.sandbox.child_messages import Warned
from shared.render.cropping import Size
from shared.render.delivery import Codec, Delivery
from shared.render.plan import plan_framing
from tests.gpu.conftest import SAMPLE

EFFECTS = ["framing", "blur", "dark_overlay", "brightness_boost", "tint", "outline"]
AS_THE_CPU_DB = 45
ORDER = {"output_width": 360, "output_height": 480, "crop_keyframes": None}


def test_the_kernels_run_here(hardware):
    assert hardware.warps


def test_h264_and_hevc_are_decoded_here(hardware):
    assert {"h264 8", "hevc 8", "hevc 10"} <= hardware.decodes


@pytest.mark.parametrize(("name", "decode"), [*product(EFFECTS, (False, True))], ids=str)
def test_real_footage_is_painted_as_the_cpu_paints_it(hardware, sample, name, decode):
    assert decodable(sample) in hardware.decodes
    plan = dict(plans(sample))[name]

    found_db = least_psnr_db(sample, plan, Choice(decode=decode, warp=True))

    assert found_db >= AS_THE_CPU_DB


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_turned_footage_is_held_as_the_cpu_holds_it(hardware, tmp_path, angle):
    source = probe(turned(tmp_path / "turned.mp4", angle))
    plan = dict(plans(source))["framing"]

    assert least_psnr_db(source, plan, Choice(decode=True, warp=True)) >= AS_THE_CPU_DB


def test_ten_bits_are_decoded_and_painted_as_the_cpu_does(hardware, tmp_path):
    source = probe(recoded(tmp_path / "deep.mp4", "libx265", "yuv420p10le"))
    assert decodable(source) == "hevc 10"

    for name in ("framing", "blur", "brightness_boost"):
        plan = dict(plans(source))[name]
        assert least_psnr_db(source, plan, Choice(decode=True, warp=True)) >= AS_THE_CPU_DB


@pytest.mark.parametrize("codec", Codec, ids=str)
def test_an_encoder_of_the_gpus_keeps_the_picture(hardware, sample, tmp_path, codec):
    if codec.value not in hardware.encodes:
        pytest.skip(f"this GPU has no encoder for {codec.value}")
    there = rendered(hardware, sample, tmp_path / "gpu.mp4", codec)
    here = rendered(Hardware(), sample, tmp_path / "cpu.mp4", codec)

    assert there.remarks == here.remarks
    assert luma_psnr_db(there.path, here.path) >= 35


def test_an_export_is_made_on_the_gpu_within_a_childs_limits(hardware):
    warned = []

    def hear(message):
        if isinstance(message, Warned):
            warned.append(message.notice.code)

    with workplace(SAMPLE.parents[3] / "build", QUICK) as place, warm_worker(place) as worker:
        made = worker.render("export.framing", SAMPLE.resolve(), ORDER, hardware, hear)

        assert made.path.stat().st_size > 0
    assert "gpu_unavailable" not in warned


def test_a_second_export_in_the_same_process_is_made_there_too(hardware, sample, tmp_path):
    first = rendered(hardware, sample, tmp_path / "one.mp4", Codec.H264)
    second = rendered(hardware, sample, tmp_path / "two.mp4", Codec.H264)

    codes = {each.code for each in (*first.remarks, *second.remarks)}
    assert "gpu_unavailable" not in codes


def test_a_gpu_that_is_taken_away_can_nothing():
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}

    assert not HardwareSearch("cuda", hidden).found(300).any


def test_an_export_on_a_gpu_that_is_taken_away_is_made_all_the_same(tmp_path):
    """In a process of its own: what is visible is read once, as the driver starts."""
    program = (
        "import sys; from pathlib import Path\n"
        "from gpu_worker.media.decoding.probe import probe\n"
        "from gpu_worker.hardware import Hardware\n"
        "from shared.render.delivery import Codec\n"
        "from tests.gpu.test_device import rendered\n"
        "every = Hardware(True, frozenset({'h264 8'}), frozenset({'h264'}))\n"
        "made = rendered(every, probe(Path(sys.argv[1])), Path(sys.argv[2]), Codec.H264)\n"
        "print(*(each.code for each in made.remarks))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(SAMPLE), str(tmp_path / "made.mp4")],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )

    assert "gpu_unavailable" in ran.stdout


def rendered(hardware, source, into, codec):
    """A second of a source cropped to its middle."""
    plan = plan_framing(source.footage, Size(360, 480), (), end_s=1.0)
    order = Order(source, plan, Delivery(codec=codec))
    return render_on(hardware, order, into, lambda _fraction: None, None)


def luma_psnr_db(ours, theirs):
    """The least of all frames."""
    from gpu_worker.media.cuda.agreement import psnr_db

    with av.open(str(ours)) as mine, av.open(str(theirs)) as other:
        pairs = zip(mine.decode(video=0), other.decode(video=0), strict=True)
        return min(psnr_db(*pair) for pair in pairs)


def recoded(path, encoder, pixel_format):
    """A second of the texture that benchmarks use, in another form."""
    plain = textured(path.with_name("plain.mp4"), Film(640, 480, 25, 1))
    with av.open(str(plain)) as source, av.open(str(path), "w", format="mp4") as made:
        stream = made.add_stream(encoder, rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 480, pixel_format
        for frame in source.decode(video=0):
            made.mux(stream.encode(frame.reformat(format=pixel_format)))
        made.mux(stream.encode(None))
    return path


def turned(path, angle):
    """The same, to be shown turned."""
    plain = textured(path.with_name("plain.mp4"), Film(640, 480, 25, 1))
    with av.open(str(plain)) as source, av.open(str(path), "w", format="mp4") as made:
        stream = made.add_stream_from_template(source.streams.video[0])
        stream.set_display_rotation(angle)
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)
    return path
