"""Files that are not what they are called, and would have a decoder open something else."""

import struct
from collections.abc import Iterator
from pathlib import Path

_MOV_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"dinf")


def scripts(secret: Path, url: str) -> dict[str, bytes]:
    """Playlists, scripts and documents that name a local file and a URL, by their sort."""
    file = secret.absolute().as_uri()
    return {
        "hls": f"#EXTM3U\n#EXTINF:1,\n{file}\n#EXTINF:1,\n{url}/a.ts\n".encode(),
        "hls master": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}/b.m3u8\n".encode(),
        "ffconcat": f"ffconcat version 1.0\nfile '{secret}'\nfile '{url}/c.mp4'\n".encode(),
        "concat": f"file '{secret}'\nfile '{url}/d.mp4'\n".encode(),
        "dash": (
            f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
            f'type="static"><Period><BaseURL>{url}/</BaseURL><AdaptationSet>'
            f'<Representation id="v" bandwidth="1" mimeType="video/mp4"><BaseURL>{file}'
            f"</BaseURL></Representation></AdaptationSet></Period></MPD>"
        ).encode(),
        "sdp": (
            b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
            b"m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
        ),
        "svg": (
            f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{file}" width="9" '
            f'height="9"/><image href="{url}/e.png" width="9" height="9"/></svg>'
        ).encode(),
        "html": f'<html><img src="{url}/f.png"><img src="{file}"></html>'.encode(),
        "postscript": f"%!PS-Adobe-3.0 EPSF-3.0\n({secret}) (r) file\n".encode(),
        "asf reference": f"[Reference]\r\nRef1={url}/g.asf\r\n".encode(),
    }


def with_data_elsewhere(video: bytes, path: str) -> bytes:
    """An MP4 with its index at the end that says its pictures are in another file.

    The data reference of each track becomes a Macintosh alias of `path` (QuickTime File
    Format, data reference atoms), and the media data is blank.
    """
    return b"".join(_elsewhere(kind, body, path) for kind, body in _boxes(video))


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        yield kind, data[at + 8 : at + size]
        at += size


def _elsewhere(kind: bytes, body: bytes, path: str) -> bytes:
    if kind in _MOV_PARENTS:
        body = b"".join(_elsewhere(*each, path) for each in _boxes(body))
    elif kind == b"dref":
        body = body[:8] + _alias(path)
    elif kind == b"mdat":
        body = bytes(len(body))
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _alias(path: str) -> bytes:
    """One alias: one folder up from this file, then one down to the other."""
    name = path.encode().ljust((len(path) + 2) // 2 * 2, b"\0")
    record = b"".join(
        [
            bytes(10),
            bytes([0]) + bytes(27),  # the volume's name
            bytes(12),
            bytes([0]) + bytes(63),  # the file's name
            bytes(16),
            struct.pack(">HH", 1, 1),  # levels from the alias, levels to its target
            bytes(16),
            struct.pack(">HH", 2, len(name)) + name,  # the absolute path
            struct.pack(">hH", -1, 0),
        ]
    )
    return struct.pack(">I4sI", len(record) + 12, b"alis", 0) + record
