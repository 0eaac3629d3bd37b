"""Playlists, scripts and documents that call themselves videos or pictures."""

from collections.abc import Callable

from tests.media.hostile.boxes import box, element, text
from tests.media.hostile.entry import MKV, MOV, MP4, PNG, TTF, Ground, Hostile
from tests.support.hostile import scripts

SORTS = (
    *("hls", "hls master", "ffconcat", "concat", "dash", "sdp", "svg", "html", "postscript"),
    "asf reference",
)
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))


def _asx(ground: Ground) -> str:
    return f'<asx version="3.0"><entry><ref href="{ground.url}/x"/></entry></asx>'


def _pls(ground: Ground) -> str:
    return f"[playlist]\nFile1={ground.url}/x\nFile2={ground.secret}\nNumberOfEntries=2\n"


def _smil(ground: Ground) -> str:
    return f'<smil><body><video src="{ground.url}/x"/></body></smil>'


def _xspf(ground: Ground) -> str:
    track = f"<track><location>{ground.secret_url}</location></track>"
    return (
        f'<?xml version="1.0"?><playlist version="1"><trackList>{track}</trackList></playlist>'
    )


def _mvg(ground: Ground) -> str:
    images = (f"image over 0,0 0,0 '{each}'\n" for each in (ground.url, f"msl:{ground.secret}"))
    return "push graphic-context\n" + "".join(images)


def _xxe(ground: Ground) -> str:
    entity = f'<!DOCTYPE svg [<!ENTITY x SYSTEM "{ground.secret_url}">]>'
    return f'{entity}<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>'


def _laughs(_ground: Ground) -> str:
    return f'<?xml version="1.0"?><!DOCTYPE svg [{_LAUGHS}]><svg><text>&l11;</text></svg>'


def _avisynth(ground: Ground) -> str:
    return f'AviSource("{ground.secret}")\n'


def _filter_graph(ground: Ground) -> str:
    return f"movie={ground.secret}[out]"


def _subtitles(ground: Ground) -> str:
    return f"[Script Info]\nAudio URI: {ground.url}\n[Fonts]\nfontname: {ground.secret}\n"


def _shell(ground: Ground) -> str:
    return f"#!/bin/sh\ncurl {ground.url}; cat {ground.secret}\n"


def _pdf(ground: Ground) -> str:
    action = f"<< /S /URI /URI ({ground.url}) >>"
    return f"%PDF-1.7\n1 0 obj << /Type /Catalog /OpenAction {action} >> endobj\ntrailer <<>>\n"


_MORE: dict[str, tuple[Callable[[Ground], str], str]] = {
    "asx": (_asx, MP4),
    "pls": (_pls, MOV),
    "smil": (_smil, MP4),
    "xspf": (_xspf, MKV),
    "mvg": (_mvg, PNG),
    "xml external entity": (_xxe, PNG),
    "xml that laughs a billion times": (_laughs, PNG),
    "avisynth": (_avisynth, "video/x-msvideo"),
    "filter graph": (_filter_graph, MP4),
    "subtitles": (_subtitles, MP4),
    "shell script": (_shell, TTF),
    "pdf": (_pdf, MP4),
}


def _script(sort: str) -> Callable[[Ground], bytes]:
    return lambda ground: scripts(ground.secret, ground.url)[sort]


def _behind_a_video(ground: Ground) -> bytes:
    return box(b"ftyp", b"isom\0\0\2\0isommp42") + _script("hls")(ground)


def _behind_matroska(ground: Ground) -> bytes:
    return element(0x1A45DFA3, text(0x4282, "matroska")) + _script("ffconcat")(ground)


def _behind_an_avi(ground: Ground) -> bytes:
    return b"RIFF\xff\xff\0\0AVI " + _script("hls master")(ground)


def _in_media_data(ground: Ground) -> bytes:
    return box(b"mdat", _script("hls")(ground))


BEHIND = (
    Hostile("playlist behind a video's first bytes", _behind_a_video, MP4),
    Hostile("concat list behind a Matroska header", _behind_matroska, MKV),
    Hostile("playlist behind an AVI's first bytes", _behind_an_avi, "video/x-msvideo"),
    Hostile("playlist as the media data of an old QuickTime", _in_media_data, MOV),
)
DISGUISED = (
    *(Hostile(f"script: {sort}", _script(sort), MP4, "type_mismatch") for sort in SORTS),
    *(
        Hostile(
            f"document: {name}",
            lambda ground, made=made: made(ground).encode(),
            called,
            "type_mismatch",
        )
        for name, (made, called) in _MORE.items()
    ),
    Hostile(
        "playlist with a byte order mark",
        lambda ground: b"\xef\xbb\xbf" + _script("hls")(ground),
        MP4,
        "type_mismatch",
    ),
    *BEHIND,
)
