"""What a file is, by its first bytes; its name and what is said of it count for nothing."""

from types import MappingProxyType

from shared.artifacts import ACCEPTED_TYPES

HEAD_BYTES = 64 * 1024

_NOTHING: frozenset[str] = frozenset()
# What browsers and systems call types that have a name of ours.
_ALIASES = MappingProxyType(
    {
        "audio/m4a": "audio/mp4",
        "audio/mp3": "audio/mpeg",
        "audio/vnd.wave": "audio/wav",
        "audio/wave": "audio/wav",
        "audio/x-aac": "audio/aac",
        "audio/x-m4a": "audio/mp4",
        "audio/x-wav": "audio/wav",
        "application/font-sfnt": "font/ttf",
        "application/x-font-opentype": "font/otf",
        "application/x-font-otf": "font/otf",
        "application/x-font-ttf": "font/ttf",
        "image/jpg": "image/jpeg",
        "video/avi": "video/x-msvideo",
        "video/matroska": "video/x-matroska",
    }
)
_RIFF = MappingProxyType(
    {b"AVI ": "video/x-msvideo", b"WAVE": "audio/wav", b"WEBP": "image/webp"}
)
_DOCTYPES = MappingProxyType({b"webm": "video/webm", b"matroska": "video/x-matroska"})
_OGG_CODECS = (b"OpusHead", b"\x01vorbis", b"\x7fFLAC", b"Speex   ")
# ISO/IEC 14496-12 brands; a still picture has none of these.
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P "})
_MOVIE_BRANDS = frozenset(
    {b"isom", b"mp41", b"mp42", b"avc1", b"dash", b"M4V ", b"M4VH", b"M4VP", b"MSNV", b"f4v "}
    | {b"iso%d" % n for n in range(2, 10)}
    | {b"3gp%d" % n for n in range(4, 8)}
)
# A QuickTime file from before `ftyp` begins with one of these atoms.
_OLD_QUICKTIME = frozenset({b"moov", b"mdat", b"wide", b"pnot"})
_SFNT_VERSIONS = MappingProxyType(
    {
        b"\0\1\0\0": frozenset({"font/ttf", "font/otf"}),
        b"true": frozenset({"font/ttf"}),
        b"OTTO": frozenset({"font/otf"}),
    }
)
_FONT_TABLES = frozenset({b"cmap", b"head", b"hmtx"})
_MOST_FONT_TABLES = 100
_MP3_BITRATES_KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MP3_RATES_HZ = (44100, 48000, 32000)


def accepted(content_type: str) -> str | None:
    """Return our name of a declared type, without parameters; None where it is not taken."""
    bare = content_type.partition(";")[0].strip().lower()
    name = _ALIASES.get(bare, bare)
    return name if name in ACCEPTED_TYPES else None


def types_of(head: bytes) -> frozenset[str]:
    """Return the content types these first bytes may rightly go by; none if not accepted.

    Give the first `HEAD_BYTES`, or the whole file where it is shorter. More than one where
    the container does not tell: an MP4 may hold sound alone.
    """
    if head[4:8] == b"ftyp" or head[4:8] in _OLD_QUICKTIME:
        return _iso_media(head)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _one_of(_DOCTYPES.get(_ebml_doctype(head)))
    if head.startswith(b"RIFF"):
        return _one_of(_RIFF.get(head[8:12]))
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return frozenset({"image/png"})
    if head.startswith(b"\xff\xd8\xff"):
        return frozenset({"image/jpeg"})
    if head.startswith(b"OggS") and any(codec in head[:512] for codec in _OGG_CODECS):
        return frozenset({"audio/ogg"})
    return _font(head) or _bare_sound(head)


def _one_of(found: str | None) -> frozenset[str]:
    return _NOTHING if found is None else frozenset({found})


def _font(head: bytes) -> frozenset[str]:
    """TrueType and OpenType (ISO/IEC 14496-22, 4.5): a directory that has what text needs.

    OpenType may hold outlines of either sort, so that TrueType ones go by both names.
    """
    names = _SFNT_VERSIONS.get(head[:4], _NOTHING)
    count = int.from_bytes(head[4:6])
    tags = {head[at : at + 4] for at in range(12, 12 + 16 * count, 16)}
    return names if names and count <= _MOST_FONT_TABLES and tags >= _FONT_TABLES else _NOTHING


def _iso_media(head: bytes) -> frozenset[str]:
    if head[4:8] != b"ftyp":
        return frozenset({"video/quicktime"})
    size = min(int.from_bytes(head[:4]), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))]
    if brands[0] == b"qt  ":
        return frozenset({"video/quicktime"})
    if brands[0] in _AUDIO_BRANDS:
        return frozenset({"audio/mp4"})
    # The major brand may be a maker's own; a picture (HEIC, AVIF) has only its own ones.
    if brands[0] in _MOVIE_BRANDS or any(brand in _MOVIE_BRANDS for brand in brands[1:]):
        return frozenset({"video/mp4", "audio/mp4"})
    return _NOTHING


def _ebml_doctype(head: bytes) -> bytes:
    """Return the DocType of an EBML header (RFC 8794, 11.2.6); empty where there is none."""
    at, size = _vint(head, 4)
    end = min(at + size, len(head))
    while at + 2 < end:
        id_length = 9 - head[at].bit_length()
        element = head[at : at + id_length]
        at, size = _vint(head, at + id_length)
        if element == b"\x42\x82":
            return head[at : at + size].rstrip(b"\0")
        at += size
    return b""


def _vint(data: bytes, at: int) -> tuple[int, int]:
    """Return where the number of variable length at `at` ends, and its value (RFC 8794, 4)."""
    if at >= len(data) or data[at] == 0:
        return len(data), 0
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length]) & ((1 << 7 * length) - 1)
    return at + length, value


def _bare_sound(head: bytes) -> frozenset[str]:
    """MP3 and ADTS have no header of their own, so two frames in a row must be there."""
    at = 0
    if head.startswith(b"ID3") and len(head) >= 10:
        at = 10 + _syncsafe(head[6:10])
        if at >= len(head):  # a picture in the tag may fill what we read, not a whole file
            full = len(head) >= HEAD_BYTES
            return frozenset({"audio/mpeg", "audio/aac"}) if full else _NOTHING
    for name, length_of in (("audio/mpeg", _mp3_frame), ("audio/aac", _adts_frame)):
        length = length_of(head[at : at + 7])
        following = head[at + length : at + length + 7]
        if length and (not following or length_of(following)):
            return frozenset({name})
    return _NOTHING


def _syncsafe(four: bytes) -> int:
    """Return the size of an ID3 tag: seven bits of each byte (ID3v2.4, 6.2)."""
    return sum((byte & 0x7F) << shift for byte, shift in zip(four, (21, 14, 7, 0), strict=True))


def _mp3_frame(header: bytes) -> int:
    """Return the length of an MPEG-1/2 layer III frame in bytes; 0 for anything else.

    ISO/IEC 11172-3, 2.4.1.3 and 13818-3, 2.4.1.3: 144 or 72 × bitrate ÷ sampling rate.
    """
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, bitrate, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or bitrate in {0, 15} or rate == 3:
        return 0
    padding = header[2] >> 1 & 1
    if version == 3:
        return 144_000 * _MP3_BITRATES_KBPS[bitrate] // _MP3_RATES_HZ[rate] + padding
    halvings = 1 if version == 2 else 2
    kbps = bitrate * 8 if bitrate <= 8 else 64 + (bitrate - 8) * 16
    return 72_000 * kbps // (_MP3_RATES_HZ[rate] >> halvings) + padding


def _adts_frame(header: bytes) -> int:
    """Return the length of an ADTS frame in bytes (ISO/IEC 13818-7, 6.2); 0 for none."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return 0
    if header[2] >> 2 & 15 > 12:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > 7 else 0
