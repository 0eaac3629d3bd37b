"""The name a browser saves a download under."""

import unicodedata
from collections.abc import Iterable
from unicodedata import combining
from urllib.parse import quote

MAX_NAME_CHARACTERS = 150
# RFC 8187 attr-char besides letters and digits, which `quote` always keeps.
_ATTR_CHARACTERS = "!#$&+-.^_`|~"
# Read by a browser or a shell as something other than part of a name.
_UNSAFE = frozenset('"\\/:*?<>|%;')


def attachment(file_name: str) -> str:
    """Return a `Content-Disposition` that saves under `file_name` (RFC 6266, RFC 8187).

    The last part of a path alone; control and direction characters go, characters with a
    meaning to a shell or a header become `_`, and a long name keeps its suffix. Old
    readers get an ASCII rendering, all others the name itself.
    """
    name = _shortened(_safe(file_name))
    letters = "".join(c for c in unicodedata.normalize("NFKD", name) if not combining(c))
    # Made safe again: NFKD turns a full-width quote into a quote.
    ascii_name = _without_unsafe(letters.encode("ascii", "replace").decode()) or "download"
    disposition = f'attachment; filename="{ascii_name}"'
    if ascii_name != name:
        disposition += f"; filename*=UTF-8''{quote(name, safe=_ATTR_CHARACTERS)}"
    return disposition


def _safe(file_name: str) -> str:
    last = file_name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    # Categories C*: controls, formats (among them the direction overrides), surrogates.
    kept = (c for c in last if unicodedata.category(c)[0] != "C")
    return " ".join(_without_unsafe(kept).split()).strip(" .") or "download"


def _without_unsafe(characters: Iterable[str]) -> str:
    return "".join("_" if c in _UNSAFE else c for c in characters)


def _shortened(name: str) -> str:
    if len(name) <= MAX_NAME_CHARACTERS:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > 10:
        return name[:MAX_NAME_CHARACTERS]
    return stem[: MAX_NAME_CHARACTERS - len(suffix) - 1] + dot + suffix
