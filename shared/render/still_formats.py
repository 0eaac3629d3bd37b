"""The files a single picture is given out in."""

from enum import StrEnum


class StillFormat(StrEnum):
    """How a picture is written; PNG loses nothing."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"

    @property
    def content_type(self) -> str:
        """Its media type."""
        return f"image/{self.value}"
