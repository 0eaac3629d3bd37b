"""Image files written byte by byte, so that they can say what no encoder would."""

import struct
import zlib


def png(width: int, height: int, bits: int, colour: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks after its header (PNG, third edition, 11)."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), *chunks, (b"IEND", b""))
    )


def webp_header(width: int, height: int) -> bytes:
    """A WebP that says how large it is and holds next to nothing."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def jpeg_header(width: int, height: int) -> bytes:
    """A JPEG up to its scan."""
    frame = struct.pack(">BHHB", 8, height, width, 3) + bytes([1, 17, 0, 2, 17, 0, 3, 17, 0])
    scan = bytes([3, 1, 0, 2, 0, 3, 0, 0, 63, 0])
    return b"\xff\xd8" + b"".join(
        marker + struct.pack(">H", len(data) + 2) + data
        for marker, data in ((b"\xff\xc0", frame), (b"\xff\xda", scan))
    )
