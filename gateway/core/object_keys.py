"""Every key in the bucket is built here, of ids and fixed words: never of a caller's text.

{tenant}/uploads/{upload}.{ext}          what a browser puts, once
input/{job}/video.mp4                    … on the exports surface
output/{job}/{fence}/{name}.{ext}        what an attempt puts
output/{job}/{fence}/{type}.mp4          … on the exports surface: overlay, framing
output/{job}/{fence}/manifest.json       its last word, on every surface
"""

import re
from types import MappingProxyType

from gateway.core.surfaces import Surface

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ATTEMPT_KEY = re.compile(r"output/[^/]+/(\d{1,9})/")
_OUTPUT_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_RESERVED_TENANTS = frozenset({"input", "output"})
_EXTENSIONS = MappingProxyType(
    {
        "application/json": "json",
        "audio/aac": "aac",
        "audio/mp4": "m4a",
        "audio/mpeg": "mp3",
        "audio/ogg": "ogg",
        "audio/wav": "wav",
        "font/otf": "otf",
        "font/ttf": "ttf",
        "image/jpeg": "jpg",
        "image/png": "png",
        "image/webp": "webp",
        "text/vtt": "vtt",
        "video/mp4": "mp4",
        "video/quicktime": "mov",
        "video/webm": "webm",
        "video/x-matroska": "mkv",
        "video/x-msvideo": "avi",
    }
)


def is_tenant(name: str) -> bool:
    """True for an id that is no first segment of a key of another layout."""
    reserved = name in _RESERVED_TENANTS or name.startswith("project_")
    return ID.fullmatch(name) is not None and not reserved


def upload_key(tenant: str, upload_id: str, content_type: str) -> str:
    """Return where a tenant's upload goes."""
    if not is_tenant(tenant):
        raise ValueError(f"{tenant!r} is no tenant's name")
    return f"{tenant}/uploads/{_id(upload_id)}.{extension(content_type)}"


def input_key(job_id: str) -> str:
    """Return where a browser puts the input of an export; also for a video that is no MP4."""
    return f"input/{_id(job_id)}/video.mp4"


def attempt_key(
    surface: Surface, kind: str, job_id: str, fence: int, name: str, content_type: str
) -> str:
    """Return where an attempt's output goes; no two attempts share a key.

    The exports surface calls a video by the last word of its kind: `overlay.mp4`.
    """
    if surface is Surface.EXPORTS and name == "video":
        name = kind.rpartition(".")[2]
    if fence < 1 or not _OUTPUT_NAME.fullmatch(name):
        raise ValueError(f"no output's name: {fence}/{name!r}")
    return f"output/{_id(job_id)}/{fence}/{name}.{extension(content_type)}"


def fence_of(key: str) -> int | None:
    """Return the number of the attempt that a key is of; None for a key of another layout."""
    found = _ATTEMPT_KEY.match(key)
    return int(found[1]) if found else None


def extension(content_type: str) -> str:
    """Return the file extension of a content type; `bin` where it has none of ours."""
    return _EXTENSIONS.get(content_type, "bin")


def _id(text: str) -> str:
    if not ID.fullmatch(text):
        raise ValueError(f"{text!r} is no id")
    return text
