"""Thumbnails of images: upright, in the right colours, transparent where the image is."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from shared.errors import JobFailed
from tests.support.image_bytes import jpeg_header, png, webp_header
from tests.support.ingests import ingest

RED, GREEN, BLUE, WHITE = (220, 30, 40), (20, 180, 60), (30, 60, 200), (250, 250, 250)
CORNERS = (RED, GREEN, BLUE, WHITE)  # top left, top right, bottom left, bottom right


def quartered(width: int, height: int) -> Image.Image:
    """A picture whose four quarters tell which way it is held."""
    image = Image.new("RGB", (width, height))
    boxes = [(0, 0), (width // 2, 0), (0, height // 2), (width // 2, height // 2)]
    for colour, at in zip(CORNERS, boxes, strict=True):
        image.paste(colour, (*at, at[0] + width // 2, at[1] + height // 2))
    return image


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """The colours in the middle of each quarter, in the order of `CORNERS`."""
    pixels = np.asarray(image)
    rows, columns = (
        (image.height // 4, image.height * 3 // 4),
        (
            image.width // 4,
            image.width * 3 // 4,
        ),
    )
    return [tuple(int(c) for c in pixels[y, x]) for y in rows for x in columns]


def assert_near(found: Any, wanted: Any, levels: int) -> None:
    assert np.abs(np.asarray(found, int) - np.asarray(wanted, int)).max() <= levels


@pytest.mark.parametrize(
    ("size", "max_size", "thumbnail"),
    [
        ((800, 400), 512, (512, 256)),
        ((300, 600), 512, (256, 512)),
        ((200, 100), 512, (200, 100)),  # never enlarged
        ((512, 512), 512, (512, 512)),
        ((1000, 1), 512, (512, 1)),  # never without height
        ((300, 200), 100, (100, 67)),
    ],
)
def test_a_thumbnail_fits_its_square_keeps_its_aspect_and_is_never_enlarged(
    tmp_path: Path, size: tuple[int, int], max_size: int, thumbnail: tuple[int, int]
) -> None:
    source = tmp_path / "in"
    Image.new("RGB", size, RED).save(source, "PNG")

    made = ingest(source, tmp_path / "scratch", max_size=max_size)

    assert made.thumbnail.size == thumbnail
    assert (made.result.thumbnail_width_px, made.result.thumbnail_height_px) == thumbnail
    assert (made.result.width_px, made.result.height_px) == size


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_each_accepted_type_is_told_from_its_bytes_and_keeps_its_colours(
    tmp_path: Path, form: str
) -> None:
    source = tmp_path / "misnamed.gif"
    quartered(640, 480).save(source, form, quality=95)

    made = ingest(source, tmp_path / "scratch")

    assert_near(corners(made.thumbnail), CORNERS, 3)
    assert (made.result.family, made.result.container) == ("image", form.lower())
    assert made.thumbnail.mode == "RGB"
    assert made.facts["family"] == "image"
    assert (made.facts["width_px"], made.facts["height_px"]) == (640, 480)
    assert made.progress[0] == ("thumbnail", 0.0)


HELD = {  # EXIF orientation → what a camera stored
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turned", HELD)
def test_d11_a_rotated_image_has_an_upright_thumbnail(
    tmp_path: Path, turned: int, form: str
) -> None:
    held: Callable[[Image.Image], Image.Image] = HELD[turned]
    exif = Image.Exif()
    exif[0x0112] = turned
    held(quartered(64, 32)).save(tmp_path / "in", form, quality=100, exif=exif)

    made = ingest(tmp_path / "in", tmp_path / "scratch")

    assert made.thumbnail.size == (64, 32)
    assert_near(corners(made.thumbnail), CORNERS, 8)
    assert (made.result.width_px, made.result.height_px) == (64, 32)
    assert made.facts["orientation"] == turned


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"\0"])
def test_an_orientation_that_cannot_be_read_is_upright(tmp_path: Path, exif: bytes) -> None:
    quartered(64, 32).save(tmp_path / "in", "JPEG", exif=exif)
    assert ingest(tmp_path / "in", tmp_path / "scratch").thumbnail.size == (64, 32)


# -- sorts of samples ---------------------------------------------------------------------


def grey_16_bits() -> Image.Image:
    return Image.fromarray(np.repeat(np.array([[0, 0x8001, 0xFFFF, 0x40F0]], np.uint16), 4, 0))


def test_16_bits_are_scaled_not_cut(tmp_path: Path) -> None:
    grey_16_bits().save(tmp_path / "in", "PNG")
    thumbnail = ingest(tmp_path / "in", tmp_path / "scratch").thumbnail
    assert np.asarray(thumbnail)[0, :, 0].tolist() == [0, 128, 255, 64]


def test_one_transparent_grey_of_16_bits_is_transparent(tmp_path: Path) -> None:
    rows = b"\0" + struct.pack(">HH", 0x4040, 0x4041)
    content = png(2, 1, 16, 0, (b"tRNS", b"\x40\x40"), (b"IDAT", zlib.compress(rows)))
    (tmp_path / "in").write_bytes(content)
    thumbnail = ingest(tmp_path / "in", tmp_path / "scratch").thumbnail
    assert np.asarray(thumbnail)[0, :, 3].tolist() == [0, 255]


def half_seen(width: int, height: int) -> Image.Image:
    image = quartered(width, height)
    image.putalpha(128)
    return image


@pytest.mark.parametrize(
    ("image", "form", "mode"),
    [
        (quartered(32, 32).convert("P", palette=Image.Palette.ADAPTIVE), "PNG", "RGB"),
        (quartered(32, 32).convert("CMYK"), "JPEG", "RGB"),
        (quartered(32, 32).convert("RGBA"), "PNG", "RGBA"),
        (half_seen(32, 32), "WEBP", "RGBA"),
    ],
    ids=["palette", "cmyk", "rgba", "webp with alpha"],
)
def test_every_sort_of_samples_comes_out_as_the_colours_it_shows(
    tmp_path: Path, image: Image.Image, form: str, mode: str
) -> None:
    image.save(tmp_path / "in", form, quality=100)
    made = ingest(tmp_path / "in", tmp_path / "scratch")
    assert made.thumbnail.mode == mode
    assert_near([each[:3] for each in corners(made.thumbnail)], CORNERS, 4)


def test_one_bit_is_black_and_white_and_shrinks_to_grey(tmp_path: Path) -> None:
    stripes = np.zeros((256, 256), bool)
    stripes[:, ::2] = True
    Image.fromarray(stripes).save(tmp_path / "in", "PNG")

    thumbnail = ingest(tmp_path / "in", tmp_path / "scratch", max_size=32).thumbnail

    assert_near(np.asarray(thumbnail)[8:24, 8:24], 127, 2)


def test_a_palette_with_a_transparent_colour_keeps_it(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([*RED, *BLUE])
    image.paste(0, (0, 0, 4, 8))
    image.save(tmp_path / "in", "PNG", transparency=0)

    made = ingest(tmp_path / "in", tmp_path / "scratch")

    assert np.asarray(made.thumbnail)[0, :, 3].tolist() == [0] * 4 + [255] * 4
    assert made.result.has_alpha


def test_what_is_transparent_lends_no_colour_to_the_edge(tmp_path: Path) -> None:
    pixels = np.zeros((512, 512, 4), np.uint8)
    pixels[...] = (255, 0, 0, 0)
    pixels[:, 250:] = (0, 0, 255, 255)
    Image.fromarray(pixels).save(tmp_path / "in", "PNG")

    thumbnail = ingest(tmp_path / "in", tmp_path / "scratch", max_size=64).thumbnail

    made = np.asarray(thumbnail).astype(int)
    seen = made[made[..., 3] > 8]
    assert made[..., 3].min() == 0
    assert seen[:, 0].max() <= 8
    assert made.shape == (64, 64, 4)


def profile_with_swapped_colours() -> bytes:
    """An sRGB profile whose red and green are one another's."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    content[:] = content.replace(b"rXYZ", b"tmp_").replace(b"gXYZ", b"rXYZ")
    return bytes(content.replace(b"tmp_", b"gXYZ"))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_profile_is_applied(tmp_path: Path, form: str) -> None:
    image = Image.new("RGB", (64, 64), (255, 0, 0))
    image.save(tmp_path / "in", form, quality=95, icc_profile=profile_with_swapped_colours())

    made = ingest(tmp_path / "in", tmp_path / "scratch")

    assert_near(np.asarray(made.thumbnail)[32, 32], (0, 255, 0), 6)
    assert made.facts["has_profile"]


@pytest.mark.parametrize("profile", [b"no profile at all", b"\0" * 200])
def test_a_damaged_profile_is_passed_over(tmp_path: Path, profile: bytes) -> None:
    Image.new("RGB", (8, 8), RED).save(tmp_path / "in", "PNG", icc_profile=profile)
    thumbnail = ingest(tmp_path / "in", tmp_path / "scratch").thumbnail
    assert_near(np.asarray(thumbnail)[4, 4], RED, 1)


def test_a_profile_of_another_sort_of_samples_is_passed_over(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.new("RGB", (8, 8), RED).save(tmp_path / "in", "PNG", icc_profile=profile)
    thumbnail = ingest(tmp_path / "in", tmp_path / "scratch").thumbnail
    assert_near(np.asarray(thumbnail)[4, 4], RED, 1)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_of_an_animated_image_the_first_picture_is_shown(tmp_path: Path, form: str) -> None:
    pictures = [Image.new("RGB", (32, 32), colour) for colour in (RED, BLUE, GREEN)]
    pictures[0].save(
        tmp_path / "in", form, save_all=True, append_images=pictures[1:], lossless=True
    )
    made = ingest(tmp_path / "in", tmp_path / "scratch")
    assert_near(np.asarray(made.thumbnail)[16, 16, :3], RED, 2)
    assert made.result.animated


def test_nothing_the_file_says_of_itself_is_published(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    quartered(64, 32).save(tmp_path / "in", "JPEG", exif=exif, comment=b"of a person")
    assert ingest(tmp_path / "in", tmp_path / "scratch").thumbnail.info == {}


# -- what is refused ------------------------------------------------------------------------


def refused(source: Path, scratch: Path) -> JobFailed:
    with pytest.raises(JobFailed) as caught:
        ingest(source, scratch)
    assert list(scratch.iterdir()) == []
    return caught.value


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "PPM", "ICO"])
def test_another_sort_of_image_is_refused_with_what_to_send_instead(
    tmp_path: Path, form: str
) -> None:
    quartered(32, 32).save(tmp_path / "in.png", form)
    failure = refused(tmp_path / "in.png", tmp_path / "scratch")
    assert failure.what == "input_unreadable"
    assert "PNG, JPEG or WebP" in failure.public


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "in").touch()
    assert "empty" in refused(tmp_path / "in", tmp_path / "scratch").public


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_truncated_image_is_refused_in_words_for_the_person(
    tmp_path: Path, form: str, share: float
) -> None:
    noise = np.random.default_rng(5).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole", form)
    whole = (tmp_path / "whole").read_bytes()
    (tmp_path / "in").write_bytes(whole[: int(len(whole) * share)])

    failure = refused(tmp_path / "in", tmp_path / "scratch")

    assert failure.what == "input_unreadable"
    assert "damaged or not complete" in failure.public


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_corrupt_image_is_refused_or_read_but_never_a_mistake_of_ours(
    tmp_path: Path, form: str
) -> None:
    quartered(64, 64).save(tmp_path / "whole", form)
    whole = (tmp_path / "whole").read_bytes()
    generator = np.random.default_rng(7)
    ends = set()
    for _ in range(60):
        content = bytearray(whole)
        for at in generator.integers(12, len(content), 6):
            content[at] = generator.integers(0, 256)
        (tmp_path / "in").write_bytes(content)
        try:
            ends.add(ingest(tmp_path / "in", tmp_path / "scratch").result.family)
        except JobFailed as failure:
            ends.add(failure.what)
    assert "input_unreadable" in ends
    assert ends <= {"input_unreadable", "image"}


@pytest.mark.parametrize(
    "content",
    [
        png(60_000, 60_000, 8, 2, (b"IDAT", b"")),
        png(10_000, 9_000, 8, 2, (b"IDAT", b"")),  # Pillow itself only warns of this one
        png(10_000, 5_001, 8, 2, (b"IDAT", b"")),  # … and not of this
        jpeg_header(60_000, 60_000),
        webp_header(16_383, 16_383),
    ],
    ids=["png 60000", "png 90 MP", "png 50 MP", "jpeg", "webp"],
)
def test_d11_too_many_pixels_are_refused_and_never_decoded(
    tmp_path: Path, content: bytes
) -> None:
    """Decoding any of these would fail for want of data, and with other words."""
    (tmp_path / "in").write_bytes(content)

    failure = refused(tmp_path / "in", tmp_path / "scratch")

    assert failure.what == "input_unreadable"
    assert "50 megapixels" in failure.public
