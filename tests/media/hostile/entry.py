"""One file that means harm: how it is made, and what must become of it at every door."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.media.hostile.good_files import GoodFiles

VIDEO_DOORS = frozenset(
    {"probe", "media.ingest", "export.framing", "export.overlay", "export.frame"}
)
IMAGE_DOORS = frozenset({"media.ingest", "layer image"})
FONT_DOORS = frozenset({"layer font"})
NO_DOOR: frozenset[str] = frozenset()
ALL_DOORS = VIDEO_DOORS | IMAGE_DOORS | FONT_DOORS

MP4, MOV, MKV, WEBM, AVI = (
    "video/mp4",
    "video/quicktime",
    "video/x-matroska",
    "video/webm",
    "video/x-msvideo",
)
PNG, JPEG, WEBP, TTF = "image/png", "image/jpeg", "image/webp", "font/ttf"


@dataclass(frozen=True, slots=True)
class Ground:
    """What files are made of: what must not be visited, and what is good.

    `url` is a server that counts who comes, `secret` a file that counts who opens it.
    """

    url: str
    secret: Path
    good: GoodFiles

    @property
    def secret_url(self) -> str:
        """The file as an address."""
        return self.secret.absolute().as_uri()


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file by its name: its bytes, what its uploader calls it, and how it must end.

    `refused_as`: the code an upload of it is refused with; None where its first bytes are
    what they are called. `safe_at`: the doors behind which it comes out, harmless; at all
    others it ends with `code`. `either`: it may come out there or end so, for the decoder's
    next version may know better what is left of it. `endless`: a look through it takes
    minutes, so that only the limit on looking ends it.
    """

    name: str
    content: Callable[[Ground], bytes]
    called: str
    refused_as: str | None = None
    safe_at: frozenset[str] = NO_DOOR
    code: str = "input_unreadable"
    either: bool = False
    endless: bool = False

    def may_end(self, door: str, how: str) -> bool:
        """Whether `how`, a code or `rendered`, is right behind a door."""
        if door not in self.safe_at:
            return how == self.code
        return how == "rendered" or (self.either and how == self.code)
