"""What a file is, by its first bytes; headers are written out by the standards they name."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gateway.core.media_types import HEAD_BYTES, accepted, types_of
from shared.artifacts import ACCEPTED_TYPES


def ftyp(major, *compatible):
    body = major + b"\0\0\2\0" + b"".join(compatible)
    return struct.pack(">I", 8 + len(body)) + b"ftyp" + body + b"\0\0\0\x08free"


def ebml(doctype, *, before=b"\x42\x86\x81\x01", size=None):
    body = before + b"\x42\x82" + bytes([0x80 | len(doctype)]) + doctype
    length = bytes([0x80 | len(body)]) if size is None else size
    return b"\x1a\x45\xdf\xa3" + length + body + b"\x18\x53\x80\x67"


def riff(form):
    return b"RIFF\x24\0\0\0" + form + b"fmt \x10\0\0\0"


def ogg(codec):
    return b"OggS\0\2" + bytes(20) + b"\x01\x13" + codec


def picture(form):
    file = io.BytesIO()
    Image.new("RGB", (2, 2)).save(file, form)
    return file.getvalue()


def sfnt(version, *tags):
    directory = b"".join(tag + bytes(12) for tag in tags)
    return version + struct.pack(">4H", len(tags), 0, 0, 0) + directory + bytes(40)


FONT_TAGS = (b"OS/2", b"cmap", b"glyf", b"head", b"hmtx")
MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)  # 128 kbit/s, 44.1 kHz: 417 bytes
MP3_SLOW_FRAME = b"\xff\xf3\x80\x00" + bytes(204)  # MPEG-2, 64 kbit/s, 22.05 kHz: 208
ADTS_FRAME = b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)  # 16 bytes
ID3 = b"ID3\4\0\0\0\0\0\x0a" + bytes(10)
BIG_ID3 = (b"ID3\4\0\0\0\x7f\x7f\x7f" + bytes(HEAD_BYTES))[:HEAD_BYTES]

TRUE = {
    "mp4": (ftyp(b"isom", b"iso2", b"avc1", b"mp41"), {"video/mp4", "audio/mp4"}),
    "mp4 of a phone": (ftyp(b"mp42", b"isom"), {"video/mp4", "audio/mp4"}),
    "mp4 of a maker": (ftyp(b"XAVC", b"mp42", b"iso2"), {"video/mp4", "audio/mp4"}),
    "fragments": (ftyp(b"iso5", b"dash"), {"video/mp4", "audio/mp4"}),
    "m4a": (ftyp(b"M4A ", b"isom"), {"audio/mp4"}),
    "mov": (ftyp(b"qt  ", b"qt  "), {"video/quicktime"}),
    "mov from before ftyp": (b"\0\0\0\x08wide\0\0\1\0mdat", {"video/quicktime"}),
    "webm": (ebml(b"webm"), {"video/webm"}),
    "webm padded": (ebml(b"webm\0\0"), {"video/webm"}),
    "webm, long size": (ebml(b"webm", size=b"\x01" + bytes(6) + b"\x0b"), {"video/webm"}),
    "mkv": (ebml(b"matroska"), {"video/x-matroska"}),
    "avi": (riff(b"AVI "), {"video/x-msvideo"}),
    "wav": (riff(b"WAVE"), {"audio/wav"}),
    "ogg opus": (ogg(b"OpusHead"), {"audio/ogg"}),
    "ogg vorbis": (ogg(b"\x01vorbis"), {"audio/ogg"}),
    "mp3": (MP3_FRAME * 2, {"audio/mpeg"}),
    "mp3 cut at a frame": (MP3_FRAME, {"audio/mpeg"}),
    "mp3 of low rate": (MP3_SLOW_FRAME * 2, {"audio/mpeg"}),
    "mp3 with a tag": (ID3 + MP3_FRAME * 2, {"audio/mpeg"}),
    "sound with a large tag": (BIG_ID3, {"audio/mpeg", "audio/aac"}),
    "aac": (ADTS_FRAME * 2, {"audio/aac"}),
    "aac with a tag": (ID3 + ADTS_FRAME * 2, {"audio/aac"}),
    "png": (picture("PNG"), {"image/png"}),
    "jpeg": (picture("JPEG"), {"image/jpeg"}),
    "webp": (picture("WEBP"), {"image/webp"}),
    "truetype": (sfnt(b"\0\1\0\0", *FONT_TAGS), {"font/ttf", "font/otf"}),
    "truetype of a mac": (sfnt(b"true", *FONT_TAGS), {"font/ttf"}),
    "opentype": (sfnt(b"OTTO", b"CFF ", b"cmap", b"head", b"hmtx"), {"font/otf"}),
}
FALSE = {
    "nothing": b"",
    "html": b"<!doctype html><script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg">',
    "pdf": b"%PDF-1.7",
    "zip": b"PK\x03\x04",
    "gif": picture("GIF"),
    "heic": ftyp(b"heic", b"mif1", b"heic"),
    "avif": ftyp(b"avif", b"mif1", b"miaf"),
    "other riff": riff(b"ACON"),
    "other ebml": ebml(b"other"),
    "ebml without a doctype": b"\x1a\x45\xdf\xa3\x84\x42\x86\x81\x01",
    "ebml cut": ebml(b"webm")[:6],
    "ogg of another codec": ogg(b"\x80theora"),
    "one mp3 sync and then text": MP3_FRAME[:-3] + b"<html>" * 9,
    "one adts sync and then text": ADTS_FRAME + b"<html>" * 9,
    "tag and then text": ID3 + b"<html>",
    "tag and then nothing": BIG_ID3[:1000],
    "half a png": b"\x89PNG\r\n\x1a\n<html>",
    "font without characters": sfnt(b"\0\1\0\0", b"glyf", b"head", b"hmtx"),
    "font collection": b"ttcf" + sfnt(b"\0\1\0\0", *FONT_TAGS),
    "web font": b"wOF2\0\1\0\0",
    "font cut in its directory": sfnt(b"OTTO", *FONT_TAGS)[:40],
    "all ones": b"\xff" * 64,
}


@pytest.mark.parametrize(("head", "types"), TRUE.values(), ids=TRUE.keys())
def test_a_file_goes_by_the_types_its_bytes_say(head, types):
    assert types_of(head) == types


@pytest.mark.parametrize("head", FALSE.values(), ids=FALSE.keys())
def test_d10_what_is_no_accepted_media_has_no_type(head):
    assert types_of(head) == frozenset()


@given(
    st.binary(max_size=80),
    st.sampled_from(
        [b"", b"\x1a\x45\xdf\xa3", b"ID3", b"\xff\xfb", b"\0\0\0\x20ftyp", b"RIFF"]
    ),
)
def test_any_bytes_are_looked_at_without_an_error(data, beginning):
    assert types_of(beginning + data) <= ACCEPTED_TYPES.keys()


@given(st.sampled_from(list(TRUE.values())), st.integers(0, 40))
def test_a_cut_file_is_never_taken_for_another_type(case, length):
    head, types = case
    assert types_of(head[:length]) <= types | {"video/quicktime", "audio/mp4", "video/mp4"}


@pytest.mark.parametrize("content_type", ACCEPTED_TYPES)
def test_an_accepted_type_keeps_its_name(content_type):
    assert accepted(content_type) == content_type


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("VIDEO/MP4", "video/mp4"),
        (' video/webm; codecs="vp9,opus"', "video/webm"),
        ("audio/x-wav", "audio/wav"),
        ("audio/x-m4a", "audio/mp4"),
        ("audio/mp3", "audio/mpeg"),
        ("image/svg+xml", None),
        ("text/html", None),
        ("application/octet-stream", None),
        ("video", None),
        ("", None),
    ],
)
def test_a_declared_type_is_known_under_its_other_names(said, name):
    assert accepted(said) == name
