"""Files a job names: references in an input, and the objects an attempt makes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, model_validator

from shared.job_kind import Wire

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
MediaFamily = Literal["video", "image", "audio", "font"]

# Type comes from the bytes; these are the content types an upload may declare.
ACCEPTED_TYPES: dict[str, MediaFamily] = {
    "video/mp4": "video",
    "video/quicktime": "video",
    "video/webm": "video",
    "video/x-matroska": "video",
    "video/x-msvideo": "video",
    "image/png": "image",
    "image/jpeg": "image",
    "image/webp": "image",
    "audio/mpeg": "audio",
    "audio/wav": "audio",
    "audio/mp4": "audio",
    "audio/aac": "audio",
    "audio/ogg": "audio",
    "font/otf": "font",
    "font/ttf": "font",
}


@dataclass(frozen=True, slots=True, init=False)
class Accepts:
    """Which families a file may be of: `Annotated[FileRef, Accepts("video")]`."""

    families: tuple[MediaFamily, ...]

    def __init__(self, *families: MediaFamily) -> None:
        object.__setattr__(self, "families", families)


class FileRef(Wire):
    """A stored file: an asset of the tenant, or an output of one of its succeeded jobs."""

    asset_id: str | None = Field(None, max_length=64)
    job_id: str | None = Field(None, max_length=64)
    output: str | None = Field(None, max_length=64)

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "FileRef":
        asset = self.asset_id is not None
        job = self.job_id is not None and self.output is not None
        half = (self.job_id is None) != (self.output is None)
        if asset == job or half:
            raise ValueError("give either asset_id, or job_id with output")
        return self


VideoRef = Annotated[FileRef, Accepts("video")]
ImageRef = Annotated[FileRef, Accepts("image")]
FontRef = Annotated[FileRef, Accepts("font")]
PictureRef = Annotated[FileRef, Accepts("image", "video")]


@dataclass(frozen=True, slots=True)
class NamedRef:
    """A reference found in an input, with its dotted path and the families it may be of.

    No families: any will do.
    """

    name: str
    ref: FileRef
    families: tuple[MediaFamily, ...]


def references_in(value: BaseModel, under: str = "") -> Iterator[NamedRef]:
    """Yield each file reference in an input model, in the order of its fields."""
    for name in _fields_that_may_refer(type(value)):
        field = type(value).model_fields[name]
        path = f"{under}.{name}" if under else name
        families = _families((*field.metadata, field.annotation))
        yield from _references(getattr(value, name), path, families)


def _families(said: Iterable[Any]) -> tuple[MediaFamily, ...]:
    """Return the families that are said of a reference, also inside `VideoRef | None`."""
    for each in said:
        if found := each.families if isinstance(each, Accepts) else _families(get_args(each)):
            return found
    return ()


@cache
def _fields_that_may_refer(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the fields worth looking into: an input may hold thousands of numbers."""
    fields = model.model_fields.items()
    return tuple(name for name, field in fields if _may_refer(field.annotation, (model,)))


def _may_refer(annotation: Any, seen: tuple[Any, ...]) -> bool:
    if annotation in seen:
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        inner = (field.annotation for field in annotation.model_fields.values())
        return issubclass(annotation, FileRef) or any(
            _may_refer(each, (*seen, annotation)) for each in inner
        )
    return annotation is Any or any(_may_refer(each, seen) for each in get_args(annotation))


def _references(value: Any, path: str, families: tuple[MediaFamily, ...]) -> Iterator[NamedRef]:
    match value:
        case FileRef():
            yield NamedRef(path, value, families)
        case BaseModel():
            yield from references_in(value, path)
        case list() | tuple():
            for index, each in enumerate(value):
                yield from _references(each, f"{path}.{index}", families)
        case _:
            return


class Output(Wire):
    """An object an attempt has put: what it is called, how long it is, what it hashes to."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    content_type: str = Field(max_length=128)
    size_bytes: int = Field(strict=True, ge=1, le=5 * 2**40)
    sha256: Sha256
