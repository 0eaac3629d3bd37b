"""What of a render the GPU does: all it can, and nothing that would come out otherwise."""

from dataclasses import replace
from pathlib import Path

import pytest

from gpu_worker.hardware import NO_HARDWARE, Hardware
from gpu_worker.media.cuda.choice import Choice, chosen, decodable
from gpu_worker.media.cuda.encoders import cuda_encoder
from gpu_worker.media.decoding.probe import probe
from gpu_worker.media.picture.tone_mapping import ToneMap
from shared.render.cropping import Size
from shared.render.delivery import Codec, Delivery, Quality
from shared.render.plan import plan_framing

EVERYTHING = Hardware(
    warps=True,
    decodes=frozenset({"h264 8", "hevc 8", "hevc 10"}),
    encodes=frozenset({"h264", "hevc"}),
)
PORTRAIT = Size(720, 1280)
SAMPLE = Path("infra/local/samples/car-detection.mp4")


@pytest.fixture(scope="module")
def source():
    return probe(SAMPLE)


def choice(source, hardware=EVERYTHING, output=PORTRAIT, codec=Codec.H264):
    plan = plan_framing(source.footage, output, ())
    return chosen(hardware, source, plan, Delivery(codec=codec))


def test_all_it_can_do_it_does(source):
    assert choice(source) == Choice(decode=True, warp=True, encode=True)


def test_nothing_is_left_to_hardware_that_is_not_there(source):
    assert choice(source, NO_HARDWARE) == Choice()
    assert not choice(source, NO_HARDWARE).any


def test_a_gpu_without_an_encoder_still_decodes_and_warps(source):
    no_nvenc = replace(EVERYTHING, encodes=frozenset())

    assert choice(source, no_nvenc) == Choice(decode=True, warp=True, encode=False)


def test_what_the_cpu_warps_it_also_decodes(source):
    no_kernels = replace(EVERYTHING, warps=False)

    assert choice(source, no_kernels) == Choice(decode=False, warp=False, encode=True)


def test_an_encoder_the_gpu_lacks_is_the_cpus(source):
    assert choice(source, codec=Codec.AV1) == Choice(decode=True, warp=True, encode=False)


@pytest.mark.parametrize("output", [Size(2, 2), Size(144, 1280), Size(4098, 720)], ids=str)
def test_a_picture_nvenc_refuses_is_the_cpus(source, output):
    assert not choice(source, output=output).encode


def test_hevc_and_av1_may_be_wider_than_h264(source):
    assert choice(source, output=Size(7680, 4320), codec=Codec.HEVC).encode


@pytest.mark.parametrize(
    ("pixel_format", "codec", "name"),
    [
        ("yuv420p", "h264", "h264 8"),
        ("yuvj420p", "h264", "h264 8"),
        ("yuv420p10le", "hevc", "hevc 10"),
        ("yuv422p10le", "hevc", None),
        ("yuv444p", "h264", None),
        ("rgb24", "png", None),
    ],
)
def test_only_what_nvdec_keeps_sample_for_sample_is_decoded_there(
    source, pixel_format, codec, name
):
    other = replace(
        source,
        look=replace(source.look, pixel_format=pixel_format),
        video=replace(source.video, codec=codec),
    )

    assert decodable(other) == name


@pytest.mark.parametrize("size", [Size(641, 480), Size(640, 481), Size(128, 480)], ids=str)
def test_odd_and_tiny_pictures_are_decoded_by_the_cpu(source, size):
    assert decodable(replace(source, look=replace(source.look, displayed=size))) is None


def test_hdr_and_interlaced_video_is_decoded_by_the_cpu_and_warped_there(source):
    hdr = replace(source.look, tone_map=ToneMap(source.look.colours, 1000.0))
    combed = replace(source.look, interlaced=True)

    for look in (hdr, combed):
        assert choice(replace(source, look=look)) == Choice(warp=True, encode=True)


def test_a_codec_the_device_failed_at_is_decoded_by_the_cpu_and_warped_there(source):
    less = replace(EVERYTHING, decodes=frozenset({"hevc 8"}))

    assert choice(source, less) == Choice(decode=False, warp=True, encode=True)


@pytest.mark.parametrize("codec", Codec, ids=str)
def test_a_better_quality_is_a_finer_quantiser_and_no_faster_preset(codec):
    draft, standard, high = (
        cuda_encoder(Delivery(codec=codec, quality=quality)).options for quality in Quality
    )

    finer = [int(each["cq"]) for each in (draft, standard, high)]
    slower = [each["preset"] for each in (draft, standard, high)]
    assert finer == sorted(finer, reverse=True)
    assert slower == sorted(slower)
    assert {each["b"] for each in (draft, standard, high)} == {"0"}


def test_ten_bits_stay_ten_but_in_h264():
    formats = {codec: cuda_encoder(Delivery(codec=codec), bits=10) for codec in Codec}

    assert formats[Codec.H264].pixel_format == "yuv420p"
    assert formats[Codec.HEVC].pixel_format == "p010le"
    assert formats[Codec.HEVC].tag == "hvc1"
