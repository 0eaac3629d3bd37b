"""Videos whose streams say that a picture is far larger than one may be, first or midway."""

from collections.abc import Callable

from tests.media.hostile.bits import (
    av1_sequence,
    h264_sps,
    hevc_sps,
    vp9_key_frame,
    without_av1_sequence,
)
from tests.media.hostile.boxes import (
    INFO,
    TRACKS,
    box,
    cluster,
    edited,
    element,
    matroska,
    number,
    patched,
    track_edited,
    u16,
    video_track,
)
from tests.media.hostile.entry import AVI, MKV, MOV, MP4, VIDEO_DOORS, WEBM, Ground, Hostile
from tests.media.hostile.good_files import repacked
from tests.support.image_bytes import jpeg_header, png

_HUGE = 65_535
_MIDWAY = 3
_STSD = "mdia/minf/stbl/stsd"


def _annex_b(unit: bytes) -> bytes:
    return len(unit).to_bytes(4) + unit


def _from(first: int, change: Callable[[bytes], bytes]) -> Callable[[int, bytes], bytes]:
    return lambda number, data: change(data) if number >= first else data


def _said_by_the_container(ground: Ground) -> bytes:
    """Sizes of the sample entry alone; the stream knows better."""
    return track_edited(
        ground.good.clip("mp4 silent"), 0, _STSD, patched(8 + 8 + 24, u16(_HUGE, _HUGE))
    )


def _h264(midway: bool) -> Callable[[Ground], bytes]:
    giant = h264_sps(_HUGE // 16 + 1, _HUGE // 16 + 1)

    def made(ground: Ground) -> bytes:
        first = _MIDWAY if midway else 0
        return repacked(
            ground.good.clip("mkv"),
            "matroska",
            _from(first, lambda data: _annex_b(giant) + data),
        )

    return made


def _h264_in_header(ground: Ground) -> bytes:
    """The sequence header of the container's own record says it."""
    giant = h264_sps(_HUGE // 16 + 1, _HUGE // 16 + 1)
    record = (
        b"\1\x42\0\x1e\xff\xe1" + u16(len(giant)) + giant + b"\1" + u16(4) + b"\x68\xce\x3c\x80"
    )

    def entry(body: bytes) -> bytes:
        inside = edited(body[8 + 8 + 78 :], "avcC", lambda _: record)
        return body[:8] + box(body[12:16], body[16 : 8 + 8 + 78], inside)

    return track_edited(ground.good.clip("mp4 silent"), 0, _STSD, entry)


def _hevc(midway: bool) -> Callable[[Ground], bytes]:
    giant = hevc_sps(_HUGE - 7, _HUGE - 7)

    def made(ground: Ground) -> bytes:
        first = _MIDWAY if midway else 0
        return repacked(
            ground.good.clip("hevc"),
            "matroska",
            _from(first, lambda data: _annex_b(giant) + data),
        )

    return made


def _vp9(midway: bool) -> Callable[[Ground], bytes]:
    def made(ground: Ground) -> bytes:
        first = _MIDWAY if midway else 0
        return repacked(
            ground.good.clip("webm vp9"),
            "webm",
            _from(first, lambda data: vp9_key_frame(data, _HUGE, _HUGE)),
        )

    return made


def _vp8(midway: bool) -> Callable[[Ground], bytes]:
    def giant(data: bytes) -> bytes:
        sides = (16_383).to_bytes(2, "little") * 2  # RFC 6386, 9.1
        return data[:6] + sides + data[10:]

    def made(ground: Ground) -> bytes:
        first = _MIDWAY if midway else 0
        return repacked(ground.good.clip("webm vp8"), "webm", _from(first, giant))

    return made


def _av1(midway: bool) -> Callable[[Ground], bytes]:
    giant = av1_sequence(_HUGE + 1, _HUGE + 1)

    def made(ground: Ground) -> bytes:
        first = _MIDWAY if midway else 0
        return repacked(
            ground.good.clip("av1"),
            "matroska",
            _from(first, lambda data: giant + without_av1_sequence(data)),
        )

    return made


def _mjpeg(midway: bool) -> Callable[[Ground], bytes]:
    def made(ground: Ground) -> bytes:
        first = _MIDWAY if midway else 0
        return repacked(
            ground.good.clip("avi mjpeg"),
            "avi",
            _from(first, lambda data: jpeg_header(_HUGE, _HUGE) + data[-200:]),
        )

    return made


def _png(ground: Ground) -> bytes:
    return repacked(
        ground.good.clip("mov png"),
        "mov",
        _from(0, lambda _: png(60_000, 60_000, 8, 2, (b"IDAT", bytes(100)))),
    )


def _prores(midway: bool) -> Callable[[Ground], bytes]:
    def giant(data: bytes) -> bytes:
        # SMPTE RDD 36, 5.1: the sizes stand 8 bytes into the header, which is 8 in.
        return data[:16] + u16(_HUGE, _HUGE) + data[20:]

    def made(ground: Ground) -> bytes:
        first = _MIDWAY if midway else 0
        return repacked(ground.good.clip("mov prores"), "mov", _from(first, giant))

    return made


def _raw(ground: Ground) -> bytes:
    """Samples as they are, of a picture that would take gigabytes."""
    del ground
    return matroska(
        element(INFO, number(0x2AD7B1, 1_000_000)),
        element(
            TRACKS,
            video_track(codec="V_UNCOMPRESSED", width=_HUGE, height=_HUGE),
        ),
        cluster(0, (0, bytes(64)), (40, bytes(64))),
    )


def _each(
    name: str, made: Callable[[bool], Callable[[Ground], bytes]], called: str
) -> tuple[Hostile, Hostile]:
    return (
        Hostile(f"{name} of a giant size", made(False), called),
        Hostile(
            f"{name} that turns giant midway",
            made(True),
            called,
            safe_at=VIDEO_DOORS,
            either=True,
        ),
    )


SIZES = (
    Hostile("sample entry of 65535 squared", _said_by_the_container, MP4, safe_at=VIDEO_DOORS),
    Hostile("H.264 record of a giant size", _h264_in_header, MP4),
    Hostile(
        "H.264 that says it is giant between its pictures",
        _h264(False),
        MKV,
        safe_at=VIDEO_DOORS,
        either=True,
    ),
    Hostile(
        "H.264 that turns giant midway", _h264(True), MKV, safe_at=VIDEO_DOORS, either=True
    ),
    *_each("HEVC", _hevc, MKV),
    *_each("VP9", _vp9, WEBM),
    *_each("VP8", _vp8, WEBM),
    *_each("AV1", _av1, MKV),
    *_each("Motion JPEG", _mjpeg, AVI),
    *_each("ProRes", _prores, MOV),
    Hostile("PNG frames of a giant size", _png, MOV),
    Hostile("raw frames of a giant size", _raw, MKV),
)
